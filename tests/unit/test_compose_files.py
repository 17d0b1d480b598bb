"""The stack files, as a user could apply them by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from orchlab.paths import ROOT, STACKS
from orchlab.platforms.compose.files import EDGE_CONFIG
from orchlab.platforms.compose.stack import ENTRIES, FILES, PLACES, REPLICAS, Deployment

VARIANTS = list(FILES)
VARIABLE = re.compile(r"\$\{(\w+)(:[-?])([^}]*)\}")
DOCUMENTED = re.compile(r"^# ([A-Z_]+) +(\S+|\(.+?\))  ", re.MULTILINE)


def text(variant: str) -> str:
    return FILES[variant].read_text(encoding="utf-8")


def stack(variant: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text(variant)))


def services(variant: str) -> dict[str, dict[str, Any]]:
    return dict(stack(variant)["services"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variable_is_documented_with_the_default_that_it_has(variant: str) -> None:
    """The head of the file can be trusted."""
    documented = dict(DOCUMENTED.findall(text(variant)))
    used = {name: default for name, kind, default in VARIABLE.findall(text(variant))}
    assert documented.keys() == used.keys()
    for name, default in used.items():
        assert documented[name] in (default, "(empty)" if not default else "(must be set)"), name


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_file_can_be_applied_by_hand(variant: str) -> None:
    """Every variable has a default; only a key has to be given."""
    demanded = {name for name, kind, _ in VARIABLE.findall(text(variant)) if kind == ":?"}
    assert demanded == ({"API_KEY_FILE"} if variant == "hardened" else set())
    assert text(variant).count("${") == len(VARIABLE.findall(text(variant)))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_deployment_sets_only_variables_that_the_file_has(variant: str) -> None:
    """A misspelt variable would silently leave a default in force."""
    deployment = Deployment(variant, "app", 2, "80", "before", "redis", "haproxy")
    known = {name for name, _, _ in VARIABLE.findall(text(variant))}
    assert deployment.variables().keys() <= known


@pytest.mark.parametrize("variant", VARIANTS)
def test_all_that_the_stack_makes_carries_the_labels(variant: str) -> None:
    """What has no label would not be found again."""
    for kind in ("services", "networks", "volumes"):
        for name, each in stack(variant)[kind].items():
            assert {"orchlab.lab", "orchlab.platform"} <= each["labels"].keys(), name
    assert {each["labels"]["orchlab.variant"] for each in services(variant).values()} == {variant}


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_known_of_a_file_is_true(variant: str) -> None:
    """Its number of replicas, and where clients come in."""
    default = {name: value for name, _, value in VARIABLE.findall(text(variant))}
    assert default["WEB_REPLICAS"] == str(REPLICAS[variant])
    entry = ENTRIES[variant]
    published = {name: each["ports"] for name, each in services(variant).items() if "ports" in each}
    assert published.keys() == {entry}
    (port,) = published[entry]
    assert port.startswith("127.0.0.1:")
    assert port.endswith(":8080" if entry == "edge" else ":${APP_PORT:-8000}")


def test_the_variants_share_their_volumes() -> None:
    """Defined alike, so that a change of variant finds the data and asks no question."""
    assert stack("defaults")["volumes"] == stack("hardened")["volumes"]


def test_the_defaults_set_no_knob_but_the_restart_policy() -> None:
    """What a beginner writes has no health checks, limits or hardening."""
    left_out = {"healthcheck", "cap_drop", "read_only", "logging", "init", "stop_grace_period"}
    for name, each in services("defaults").items():
        assert not left_out & each.keys(), name
        assert each["restart"] == "unless-stopped"
        assert "resources" not in each.get("deploy", {})


@pytest.mark.parametrize("service", ["web", "redis", "edge"])
def test_every_hardened_service_is(service: str) -> None:
    """No write to its root, no capability, no way to more rights, bounded in all it takes."""
    each = services("hardened")[service]
    assert each["read_only"]
    assert each["init"]
    assert each["cap_drop"] == ["ALL"]
    assert each["security_opt"] == ["no-new-privileges=true"]
    assert each["restart"] == "unless-stopped"
    assert {"cpus", "memory", "pids"} == each["deploy"]["resources"]["limits"].keys()
    assert {"max-size", "max-file"} == each["logging"]["options"].keys()
    assert each["healthcheck"]["start_interval"] == "500ms"
    assert ("test" in each["healthcheck"]) == (service != "web")


def test_the_app_is_checked_as_its_image_says() -> None:
    """So that another app's image brings its own check, or none."""
    dockerfile = (ROOT / "app" / "Dockerfile").read_text(encoding="utf-8")
    assert 'CMD ["python3", "-m", "app.probe"]' in dockerfile


def test_a_hardened_service_starts_after_what_it_needs() -> None:
    """Healthy, not merely started."""
    for service, needed in (("web", "redis"), ("edge", "web")):
        (condition,) = services("hardened")[service]["depends_on"].items()
        assert condition[0] == needed
        default = condition[1]["condition"].removeprefix("${WEB_CONDITION:-").removesuffix("}")
        assert default == "service_healthy"


def test_the_edge_has_no_network_in_common_with_redis() -> None:
    """Only the app stands between the two, and Redis has no way to the outside."""
    found = services("hardened")
    assert not set(found["edge"]["networks"]) & set(found["redis"]["networks"])
    assert stack("hardened")["networks"]["backend"]["internal"]


def test_the_key_is_a_file_and_no_variable() -> None:
    """`docker inspect` shows the environment to everybody who may ask the engine."""
    web = services("hardened")["web"]
    assert "API_KEY" not in web["environment"]
    assert "env_file" not in web
    assert web["environment"]["API_KEY_FILE"] == "/run/secrets/api_key"
    assert web["secrets"] == ["api_key"]


def test_the_defaults_take_what_the_user_has_set() -> None:
    """From the file that .env.example is to be copied to; without one there are the defaults."""
    (file,) = services("defaults")["web"]["env_file"]
    assert (STACKS / file["path"]).resolve() == ROOT / ".env"
    assert not file["required"]
    assert (ROOT / ".env.example").is_file()


def test_the_configurations_that_are_mounted_exist() -> None:
    """Compose would only warn of a missing one, and mount a directory."""
    for name in ("app", "edge"):
        default = VARIABLE.findall(stack("hardened")["configs"][name]["file"])[0][2]
        assert (STACKS / default).is_file()


def test_the_edge_has_a_place_to_spare() -> None:
    """An update starts a replica more than there were."""
    config = EDGE_CONFIG.read_text(encoding="utf-8")
    found = re.search(r"server-template web (\d+) ", config)
    assert found
    assert int(found[1]) == PLACES + 1
