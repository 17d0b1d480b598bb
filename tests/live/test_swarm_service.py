"""The app as a Swarm service: changed under load, broken, and looked at."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import cast

import pytest
import requests

from orchlab import credentials, labels, paths, shell
from orchlab.errors import CommandFailed
from orchlab.platforms.base import Platform, Release
from orchlab.platforms.swarm.adapter import Swarm
from orchlab.wait import wait_until
from tests.live.replicas import NoLoss, identities

pytestmark = pytest.mark.only("swarm")
UPDATE_S = 120.0


@pytest.fixture
def swarm(platform: Platform) -> Swarm:
    """The adapter with all that it can do beyond a platform."""
    return cast("Swarm", platform)


def test_a_key_is_rotated_without_a_failure(
    swarm: Swarm, release: Release, no_loss: NoLoss
) -> None:
    """Every replica then knows the new key and none the old one, whose secret is gone."""
    old = credentials.api_key_file().read_text()
    with no_loss():
        assert swarm.rotate_key().outcome == "updated"
    new = credentials.api_key_file().read_text()
    assert new != old
    assert {status(swarm, new) for _ in range(2 * release.replicas)} == {200}
    assert {status(swarm, old) for _ in range(2 * release.replicas)} == {401}
    with swarm.stack.api() as client:
        secrets = [each.name for each in client.secrets.list(filters=swarm.stack.chosen)]
    assert len(secrets) == 1
    before = identities(swarm)
    swarm.deploy(release)
    assert identities(swarm) == before


def status(swarm: Swarm, key: str) -> int:
    url = f"{swarm.endpoints()[0].url}/status"
    return requests.get(
        url, headers={"X-API-Key": key, "Connection": "close"}, timeout=5
    ).status_code


def test_a_configuration_is_changed_without_a_failure(
    swarm: Swarm, release: Release, no_loss: NoLoss, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Docker config never changes: new content is a new object, and the update to it rolls."""
    stacks = shutil.copytree(paths.STACKS, tmp_path / "stacks")
    (stacks / "config" / "app.json").write_text('{"edition": 2}')
    try:
        with monkeypatch.context() as edited, no_loss():
            edited.setattr(paths, "STACKS", stacks)
            swarm.deploy(release)
        for replica in swarm.replicas():
            assert json.loads(swarm.exec(replica, "cat", "/etc/orchlab/app.json")) == {"edition": 2}
    finally:
        swarm.deploy(release)


def test_the_edge_and_the_owner_of_its_port_are_replaced_without_a_failure(
    swarm: Swarm, no_loss: NoLoss
) -> None:
    """On every node, under load: a port of the host alone would have to be given up first."""
    if swarm.data_path == "mesh":
        assert {each["Spec"]["Name"] for each in swarm.stack.services()} == {
            f"{swarm.stack.name}_{name}" for name in ("web", "redis")
        }
        return
    before = {each.id for name in ("edge", "port") for each in swarm.stack.tasks(name)}
    with no_loss():
        for name in ("edge", "port"):
            swarm.stack.run(
                "service", "update", "--force", "--detach", f"{swarm.stack.name}_{name}"
            )
        swarm.stack.await_converged()
    after = {each.id for name in ("edge", "port") for each in swarm.stack.tasks(name)}
    assert len(after) == 2 * len(swarm.endpoints())
    assert not after & before


def test_an_update_of_the_edge_outlives_changes_of_a_node(swarm: Swarm, release: Release) -> None:
    """With each of them Swarm replaces the node's task by itself, and the update's is stopped.

    Changes come with labels, and by themselves: with the first and the last task of a network
    on a node. One stopped task counts as a failure, which is no reason to take the update back.
    """
    if swarm.data_path == "mesh":
        assert swarm.stack.find("edge") is None
        return
    node = next(each.name for each in swarm.nodes() if not each.control)
    before = {each.id for each in swarm.stack.tasks("edge")}

    def ended() -> str:
        swarm.stack.run("node", "update", f"--label-add=orchlab.moment={time.time()}", node)
        state = swarm.stack.service("edge").get("UpdateStatus", {}).get("State", "updating")
        return "" if state == "updating" else str(state)

    swarm.stack.run("service", "update", "--force", "--detach", f"{swarm.stack.name}_edge")
    assert wait_until("the update ended", ended, timeout=UPDATE_S, pause=0.4) == "completed"
    swarm.await_serving(release.replicas)
    after = {each.node for each in swarm.stack.tasks("edge") if each.id not in before}
    assert len(after) == len(swarm.endpoints())


def test_the_facts_are_those_of_the_hardened_variant(swarm: Swarm) -> None:
    """Chosen timers are not marked as defaults, and the data path is said."""
    facts = swarm.facts()
    assert swarm.data_path in facts.data_path.lower()
    assert facts.knobs["variant"] == "hardened"
    assert facts.knobs["update order"] == "start-first"
    assert facts.knobs["update failure action"] == "rollback"
    assert facts.knobs["restart delay"] == "0.5 s"
    assert facts.knobs["redis fsync"] == "always"
    assert facts.knobs["capabilities dropped"] == "ALL"
    assert facts.knobs["secrets"].startswith(f"{labels.LAB}-api-key-")


def test_the_key_is_in_no_description(swarm: Swarm) -> None:
    """Neither the service nor any container shows it; in the container it is the app's alone."""
    key = credentials.api_key_file().read_text()
    assert key not in json.dumps(swarm.stack.services())
    for replica in swarm.replicas():
        task = next(each for each in swarm.stack.tasks("web") if each.id == replica.id)
        environment = swarm.fleet.node(task.node).environment
        shown = shell.run(["docker", "inspect", task.container], env=environment, echo=False)
        assert "/run/secrets/api_key" in shown
        assert key not in shown
        modes = swarm.exec(replica, "stat", "-c", "%a %u", "/run/secrets/api_key")
        assert modes.strip() == "400 10001"


def test_a_replica_can_write_only_where_it_is_meant_to(swarm: Swarm) -> None:
    """Its root is read-only; /cache and the volume in /data take files."""
    replica = swarm.replicas()[0]
    for path in ("/cache/file", "/data/file"):
        swarm.exec(replica, "touch", path)
    with pytest.raises(CommandFailed, match="Read-only file system"):
        swarm.exec(replica, "touch", "/srv/file")


def test_files_are_those_of_the_node(swarm: Swarm, release: Release) -> None:
    """Swarm has a volume of that name on each node, and carries nothing from one to another."""
    swarm.deploy(release)
    first, *others = swarm.replicas()
    name = f"/data/of-{first.id}"
    swarm.exec(first, "touch", name)
    for each in others:
        found = swarm.exec(each, "sh", "-c", f"ls {name} || true").strip()
        assert bool(found) == (each.node == first.node), each
    assert {each.node for each in others} - {first.node}
