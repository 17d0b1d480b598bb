from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from docker.errors import DockerException

from orchlab import shell
from orchlab.engine import host
from orchlab.errors import OrchlabError, UnknownName, WaitTimeout
from orchlab.images.store import Image, ImageStore
from orchlab.platforms import swarm, swarm_logs
from orchlab.platforms.base import (
    NodeFaults,
    Platform,
    Release,
    Replica,
    ReplicaFaults,
    StoreFaults,
)
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import Swarm
from orchlab.platforms.swarm_fleet import Fleet
from orchlab.platforms.swarm_stack import Stack, Task

MANAGER = Node("manager", 1, "198.18.0.10")
WORKER = Node("worker", 1, "198.18.0.11")


def task(**changed: str) -> Task:
    fields = {"id": "t1", "name": "lab_web.1", "node": WORKER.name, "container": "c1", "error": ""}
    return Task(**{"state": "running", **fields, **changed})


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Swarm:
    """A swarm of two nodes without an engine below it."""
    monkeypatch.setattr(Fleet, "all", [MANAGER, WORKER])
    monkeypatch.setattr(Fleet, "members", [MANAGER, WORKER])
    return Swarm(ImageStore())


def tasks_are(monkeypatch: pytest.MonkeyPatch, *tasks: Task) -> None:
    monkeypatch.setattr(Stack, "tasks", lambda _self, _service="", **_options: list(tasks))


def test_swarm_has_the_capabilities_that_it_claims() -> None:
    """The runner asks by protocol, so the adapter must answer to each."""
    for protocol in (Platform, ReplicaFaults, StoreFaults, NodeFaults):
        assert isinstance(Swarm(ImageStore()), protocol)


def test_an_unknown_variant_is_refused_before_anything_runs(platform: Swarm) -> None:
    """The valid variants are listed."""
    with pytest.raises(UnknownName, match="variant"):
        platform.deploy(Release(Image("app:1", "sha256:0"), variant="nope"))


@pytest.mark.parametrize(("ipvs", "data_path"), [(True, "mesh"), (False, "edge")])
def test_the_kernel_decides_on_the_data_path(
    platform: Swarm,
    monkeypatch: pytest.MonkeyPatch,
    ipvs: bool,  # noqa: FBT001 - a parameter of the test
    data_path: str,
) -> None:
    """Without IPVS a virtual IP times out and an ingress port refuses."""
    monkeypatch.setattr(host, "ipvs_available", lambda: ipvs)
    assert platform.data_path == data_path


def test_a_task_is_a_replica_from_the_start_of_its_container(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ready when Swarm says running, which waits for the health check."""
    tasks_are(
        monkeypatch,
        task(),
        task(id="t2", name="lab_web.2", state="starting"),
        task(id="t3", name="lab_web.3", state="preparing"),
    )
    assert platform.replicas() == [
        Replica("lab_web.1", "t1", WORKER.name, ready=True),
        Replica("lab_web.2", "t2", WORKER.name, ready=False),
    ]


def inner_engine(monkeypatch: pytest.MonkeyPatch, status: str, pid: int = 77) -> Mock:
    """A node's engine with one container; returns what its process was killed by."""
    container = Mock(status=status, attrs={"State": {"Pid": pid}})
    client = Mock()
    client.containers.get.return_value = container
    monkeypatch.setattr(Node, "client", lambda _self, **_options: client)
    kill = Mock()
    monkeypatch.setattr(Node, "kill_process", kill)
    return kill


def test_a_crash_is_a_kill_from_the_node(platform: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is not asked to kill, because then it would not heal."""
    tasks_are(monkeypatch, task())
    kill = inner_engine(monkeypatch, "exited")
    platform.crash(Replica("lab_web.1", "t1", WORKER.name, ready=True))
    kill.assert_called_once_with(77)


def test_a_crash_that_did_not_happen_is_an_error(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that goes on running voids the measurement."""
    tasks_are(monkeypatch, task())
    inner_engine(monkeypatch, "running")
    monkeypatch.setattr(swarm, "GONE_SECONDS", 0)
    with pytest.raises(WaitTimeout, match="process 77"):
        platform.crash(Replica("lab_web.1", "t1", WORKER.name, ready=True))


def test_a_replica_that_is_gone_cannot_crash(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other replica is killed in its place, and no process with number 0."""
    tasks_are(monkeypatch, task())
    kill = inner_engine(monkeypatch, "exited", pid=0)
    with pytest.raises(OrchlabError, match="no task t9"):
        platform.crash(Replica("lab_web.1", "t9", WORKER.name, ready=True))
    with pytest.raises(OrchlabError, match="nothing to kill"):
        platform.crash(Replica("lab_web.1", "t1", WORKER.name, ready=True))
    kill.assert_not_called()


def test_a_store_with_another_volume_is_an_error(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty volume of the same name elsewhere is how data are lost on Swarm."""
    shown = iter([task(id="old"), task(id="new"), task(id="new")])
    monkeypatch.setattr(Stack, "tasks", lambda *_words, **_options: [next(shown)])
    monkeypatch.setattr(shell, "run", lambda *_words, **_options: "PONG\n")
    volumes = iter([["data"], ["other"]])
    monkeypatch.setattr(Swarm, "_volumes", lambda _self, _task: next(volumes))
    with pytest.raises(OrchlabError, match="other volumes"):
        platform.recreate_store()


def test_what_cannot_be_logged_does_not_hide_the_rest(
    tmp_path: Any,  # noqa: ANN401 - pytest's own fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the manager dead, the nodes' own logs are written all the same."""
    fleet, stack = Mock(), Mock(environment={})
    fleet.existing.return_value = {"lab-worker1": Mock(logs=Mock(return_value=b"died"))}
    stack.name = "lab"
    stack.services.side_effect = DockerException("no answer")
    monkeypatch.setattr(shell, "run", Mock(side_effect=OrchlabError("dead")))
    swarm_logs.collect(stack, fleet, tmp_path / "logs")
    assert (tmp_path / "logs" / "lab-worker1.log").read_bytes() == b"died"
    assert (tmp_path / "logs" / "tasks.txt").read_text() == "dead\n"
    assert "no answer" in (tmp_path / "logs" / "services.log").read_text()
