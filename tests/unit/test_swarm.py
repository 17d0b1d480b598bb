from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from docker.errors import DockerException

from orchlab import shell
from orchlab.engine import host
from orchlab.errors import HostUnfit, OrchlabError, UnknownName, WaitTimeout
from orchlab.images.store import Image, ImageStore
from orchlab.platforms.base import (
    Drainable,
    HangFaults,
    NodeFaults,
    Observable,
    Platform,
    Release,
    Replica,
    ReplicaFaults,
    Scalable,
    StoreFaults,
    Updatable,
)
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import encryption as swarm_encryption
from orchlab.platforms.swarm import logs as swarm_logs
from orchlab.platforms.swarm import processes as swarm_processes
from orchlab.platforms.swarm.adapter import Swarm
from orchlab.platforms.swarm.faults import Faults
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.platforms.swarm.stack import Stack
from orchlab.platforms.swarm.tasks import Task
from tests.unit.swarm_nodes import MANAGER, WORKERS

WORKER = WORKERS[0]


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
    faults = (ReplicaFaults, HangFaults, StoreFaults, NodeFaults)
    for protocol in (Platform, Scalable, Updatable, Drainable, Observable, *faults):
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
    monkeypatch.setattr(Fleet, "up", lambda _self: False)
    assert platform.data_path == data_path


def test_what_is_deployed_comes_before_what_the_kernel_can_do(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A choice outlives the command that made it; another choice overrides both."""
    web = {"Spec": {"Labels": {"orchlab.data-path": "edge"}}}
    monkeypatch.setattr(host, "ipvs_available", lambda: True)
    monkeypatch.setattr(Fleet, "up", lambda _self: True)
    monkeypatch.setattr(Stack, "find", lambda _self, _name: web)
    assert platform.data_path == "edge"
    platform.choose_data_path("mesh")
    assert platform.data_path == "mesh"


def test_an_engine_that_does_not_answer_yet_leaves_it_to_the_kernel(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images are fetched before nodes that stand still are started."""
    monkeypatch.setattr(host, "ipvs_available", lambda: True)
    monkeypatch.setattr(Fleet, "up", lambda _self: True)
    monkeypatch.setattr(Stack, "find", Mock(side_effect=DockerException("no answer")))
    assert platform.data_path == "mesh"


def test_encryption_is_refused_before_anything_is_deployed(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Swarm would start everything and drop what crosses nodes."""
    error = "Error: Requested AEAD algorithm not found."
    monkeypatch.setattr(swarm_encryption, "refusal", lambda _node: error)
    deploy = Mock()
    monkeypatch.setattr(Stack, "deploy", deploy)
    platform.encrypted = True
    with pytest.raises(HostUnfit, match="AEAD"):
        platform.deploy(Release(Image("app:1", "sha256:0")))
    deploy.assert_not_called()


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


def processes(monkeypatch: pytest.MonkeyPatch, *pids: int, state: str = "S") -> list[str]:
    """A node on which the task's process has these numbers, one look after another.

    Returns the signals that were sent.
    """
    shown, sent = iter(pids), list[str]()
    monkeypatch.setattr(swarm_processes, "process", lambda _fleet, _task: next(shown))
    monkeypatch.setattr(swarm_processes, "state", lambda _node, _pid: state)
    monkeypatch.setattr(swarm_processes, "FAULT_SECONDS", 0)
    monkeypatch.setattr(
        Node, "signal_process", lambda _self, _pid, signal: sent.append(signal.name)
    )
    return sent


REPLICA = Replica("lab_web.1", "t1", WORKER.name, ready=True)


def test_a_crash_is_a_kill_from_the_node(platform: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is not asked to kill, because then it would not heal."""
    tasks_are(monkeypatch, task())
    sent = processes(monkeypatch, 77, 0)
    platform.crash(REPLICA)
    assert sent == ["SIGKILL"]


def test_a_fault_that_did_not_happen_is_an_error(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that goes on running voids the measurement."""
    tasks_are(monkeypatch, task())
    processes(monkeypatch, 77, 77, 77)
    with pytest.raises(WaitTimeout, match="process 77"):
        platform.crash(REPLICA)
    with pytest.raises(WaitTimeout, match="SIGSTOP"):
        platform.hang(REPLICA)


def test_a_replica_that_is_gone_has_no_faults(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other replica is signalled in its place, and no process with number 0."""
    tasks_are(monkeypatch, task())
    sent = processes(monkeypatch, 0, 0)
    with pytest.raises(OrchlabError, match="no task t9"):
        platform.crash(Replica("lab_web.1", "t9", WORKER.name, ready=True))
    with pytest.raises(OrchlabError, match="no process"):
        platform.hang(REPLICA)
    platform.resume(REPLICA)
    assert sent == []


def test_a_hang_is_verified_and_can_be_ended(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel says that the process is stopped."""
    tasks_are(monkeypatch, task())
    sent = processes(monkeypatch, 77, 77, state="T")
    platform.hang(REPLICA)
    platform.resume(REPLICA)
    assert sent == ["SIGSTOP", "SIGCONT"]


def test_a_store_with_another_volume_is_an_error(
    platform: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty volume of the same name elsewhere is how data are lost on Swarm."""
    shown = iter([task(id="old"), task(id="new"), task(id="new")])
    monkeypatch.setattr(Stack, "tasks", lambda *_words, **_options: [next(shown)])
    monkeypatch.setattr(shell, "run", lambda *_words, **_options: "PONG\n")
    volumes = iter([["data"], ["other"]])
    monkeypatch.setattr(Faults, "_volumes", lambda _self, _task: next(volumes))
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
