from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchlab import credentials, paths
from orchlab.errors import UnknownName
from orchlab.paths import STACKS
from orchlab.platforms.base import DEFAULTS, HARDENED
from orchlab.platforms.swarm import files as swarm_files
from orchlab.platforms.swarm.files import DATA_PATHS, VARIANT_FILES, DataPath, Plan


def content(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((STACKS / name).read_text())
    return loaded


def read(name: str) -> dict[str, Any]:
    services: dict[str, Any] = content(name)["services"]
    return services


@pytest.mark.parametrize("file", VARIANT_FILES.values())
def test_a_variant_publishes_nothing(file: str) -> None:
    """A second file could not take a published port back."""
    assert not any("ports" in each for each in read(file).values())


def test_the_defaults_set_no_knob_of_healing_or_rollout() -> None:
    """Swarm's own defaults are what is measured."""
    web = read("swarm.yaml")["web"]
    assert set(web["deploy"]) == {"replicas", "labels"}
    assert not {"healthcheck", "stop_grace_period", "init"} & set(web)


def test_the_hardened_variant_sets_every_knob_of_an_update() -> None:
    """What is left out would be a default that somebody has to know."""
    deploy = read("swarm.hardened.yaml")["web"]["deploy"]
    rollout = {"order", "parallelism", "delay", "monitor", "max_failure_ratio", "failure_action"}
    assert set(deploy["update_config"]) == set(deploy["rollback_config"]) == rollout
    assert deploy["update_config"]["failure_action"] == "rollback"
    assert {"restart_policy", "placement", "resources"} <= set(deploy)


def test_a_replica_is_not_killed_while_it_drains() -> None:
    """The grace is longer than the drain and what open requests may take after it."""
    grace = read("swarm.hardened.yaml")["web"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > 3 + 5


def test_mounts_are_in_one_order_for_deployments_and_updates() -> None:
    """By target and by source; else each would replace every replica after the other."""
    web = read("swarm.hardened.yaml")["web"]
    assert web["volumes"][-1] == "app-data:${APP_VOLUME:-/data}"
    volumes = [*web["volumes"][:-1], "app-data:/data"]
    pairs = [each.split(":") if isinstance(each, str) else ["", each["target"]] for each in volumes]
    assert pairs == sorted(pairs)
    assert [target for _, target in pairs] == sorted(target for _, target in pairs)


@pytest.mark.parametrize("file", VARIANT_FILES.values())
def test_redis_is_apart_and_stays_with_its_volume(file: str) -> None:
    """Its network is not the edge's, and the pin keeps it where its data are."""
    redis = read(file)["redis"]
    assert redis["networks"] == ["backend"]
    assert redis["deploy"]["placement"]["constraints"] == ["node.labels.orchlab.store == true"]
    assert "--appendonly" in redis["command"]
    assert content(file)["networks"]["backend"]["internal"]
    assert read("swarm.edge.yaml")["edge"]["networks"] == ["frontend"]


def test_both_variants_have_the_same_networks() -> None:
    """A network that exists is never changed, so a change of variant must not need it."""
    assert content("swarm.yaml")["networks"] == content("swarm.hardened.yaml")["networks"]


def test_a_secret_reaches_the_app_as_a_file() -> None:
    """The environment is what `docker inspect` shows to everybody."""
    web = read("swarm.hardened.yaml")["web"]
    assert web["environment"]["API_KEY_FILE"] == "/run/secrets/api_key"
    assert "API_KEY" not in web["environment"]


@pytest.mark.parametrize("file", [*VARIANT_FILES.values(), "swarm.edge.yaml"])
def test_no_configs_or_secrets_name_is_without_its_hash(file: str) -> None:
    """An object never changes, so a new content must have a new name."""
    found = content(file)
    for each in (found.get("configs", {}) | found.get("secrets", {})).values():
        assert "_HASH:-manual}" in each["name"], each


def test_the_edge_and_the_owner_of_its_port_start_before_their_predecessor_stops() -> None:
    """Neither publishes a port of the node, with which start-first would never complete."""
    services = read("swarm.edge.yaml")
    for name in ("edge", "port"):
        assert "ports" not in services[name]
        assert services[name]["deploy"]["mode"] == "global"
        assert services[name]["deploy"]["update_config"]["order"] == "start-first"
    assert services["port"]["networks"] == ["host"]
    assert services["edge"]["volumes"] == services["port"]["volumes"]
    assert services["web"]["deploy"]["endpoint_mode"] == "dnsrr"


def test_the_mesh_needs_a_virtual_ip() -> None:
    """Swarm rejects an ingress port on a service without one."""
    web = read("swarm.mesh.yaml")["web"]
    assert web["ports"][0]["mode"] == "ingress"
    assert web["deploy"]["endpoint_mode"] == "vip"


@pytest.mark.parametrize("file", ["swarm.edge.yaml", "swarm.mesh.yaml"])
def test_a_data_path_says_what_it_is(file: str) -> None:
    """It is read back from the service, since no file remembers what was deployed."""
    marks = read(file)["web"]["deploy"]["labels"]
    assert marks["orchlab.data-path"] == file.split(".")[1]


@pytest.mark.parametrize(("variant", "data_path"), [*product(VARIANT_FILES, DATA_PATHS)])
def test_every_plan_is_of_files_that_exist(variant: str, data_path: DataPath) -> None:
    """The variant first, since paths are relative to the first file; encryption last."""
    files = Plan(variant, data_path, encrypted=True).files
    names = [VARIANT_FILES[variant], f"swarm.{data_path}.yaml", "swarm.encrypted.yaml"]
    assert [each.name for each in files] == names
    assert all(each.exists() for each in files)
    assert Plan(variant, data_path).files == files[:2]


def test_encryption_covers_every_network_of_a_variant() -> None:
    """A network that was forgotten would go in the clear."""
    encrypted = content("swarm.encrypted.yaml")["networks"]
    assert encrypted.keys() == content("swarm.hardened.yaml")["networks"].keys()
    assert all("encrypted" in each["driver_opts"] for each in encrypted.values())


def test_only_the_hardened_variant_has_a_key() -> None:
    """The variables name the file and its hash, never what is in it."""
    found = Plan(HARDENED, "mesh").variables()
    assert found["API_KEY_FILE"] == str(credentials.api_key_file())
    assert credentials.api_key_file().read_text() not in found.values()
    assert Plan(DEFAULTS, "mesh").variables() == {}
    assert set(Plan(DEFAULTS, "edge").variables()) == {"EDGE_HASH", "PORT_HASH"}


def test_a_renewed_key_gives_the_secret_another_name() -> None:
    """That is what makes a rotation out of a deployment; the old key can be put back."""
    old = credentials.api_key_file().read_text()
    before = Plan(HARDENED, "mesh").variables()["API_KEY_HASH"]
    credentials.renew_api_key()
    assert Plan(HARDENED, "mesh").variables()["API_KEY_HASH"] != before
    credentials.renew_api_key(old)
    assert Plan(HARDENED, "mesh").variables()["API_KEY_HASH"] == before


def test_a_changed_edge_configuration_has_another_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A Docker config never changes, so its name follows its content."""
    monkeypatch.setattr(paths, "STACKS", tmp_path)
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "port.cfg").write_text("p")
    hashes = set()
    for text in ("a", "b"):
        (tmp_path / "edge" / "haproxy.cfg").write_text(text)
        hashes.add(Plan(DEFAULTS, "edge").variables()["EDGE_HASH"])
    assert {len(each) for each in hashes} == {12}
    assert len(hashes) == 2


def test_an_unknown_data_path_lists_the_known_ones() -> None:
    """None is no name: then the kernel decides."""
    assert swarm_files.data_path_named("") is None
    assert swarm_files.data_path_named("edge") == "edge"
    with pytest.raises(UnknownName) as error:
        swarm_files.data_path_named("ring")
    assert "mesh, edge" in error.value.hint
