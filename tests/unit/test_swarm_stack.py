from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchlab import labels, shell
from orchlab.errors import OrchlabError, WaitTimeout
from orchlab.platforms.base import DEFAULTS
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import stack as swarm_stack
from orchlab.platforms.swarm.files import Plan
from orchlab.platforms.swarm.stack import Stack
from orchlab.platforms.swarm.tasks import Task

STACK = Stack(Node("manager", 1, "198.18.0.10"))
PLAN = Plan(DEFAULTS, "mesh")


def service(running: int = 3, desired: int = 3, **update: str) -> dict[str, Any]:
    counts = {"RunningTasks": running, "DesiredTasks": desired}
    return {"Spec": {"Name": "lab_web"}, "ServiceStatus": counts, "UpdateStatus": update}


def task(*, current: bool = True) -> Task:
    return Task("t1", "lab_web.1", "lab-worker1", "running", "c1", "", current=current)


@pytest.mark.parametrize(
    ("state", "converged"),
    [
        (service(), True),
        (service(running=2), False),
        (service(State="updating"), False),
        (service(State="completed"), True),
        ({**service(0, 0), "Spec": {"Name": "lab_edge", "Mode": {"Global": {}}}}, False),
    ],
)
def test_converged_is_all_tasks_and_no_update(
    monkeypatch: pytest.MonkeyPatch,
    state: dict[str, Any],
    converged: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """The number of replicas alone would be right in the middle of an update, too."""
    monkeypatch.setattr(Stack, "services", lambda _self: [state])
    monkeypatch.setattr(Stack, "tasks", lambda _self: [task()])
    assert STACK._converged() is converged  # noqa: SLF001


def test_an_old_task_is_no_convergence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after the command all tasks may still be those of the previous release."""
    monkeypatch.setattr(Stack, "services", lambda _self: [service()])
    monkeypatch.setattr(Stack, "tasks", lambda _self: [task(), task(current=False)])
    assert not STACK._converged()  # noqa: SLF001


def test_an_update_that_gave_up_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Swarm's default on failure is to pause, which nobody would notice by waiting."""
    paused = service(State="paused", Message="task failed")
    failed = replace(task(), error="exit 137")
    monkeypatch.setattr(Stack, "services", lambda _self: [paused])
    monkeypatch.setattr(Stack, "tasks", lambda *_words, **_options: [failed])
    with pytest.raises(
        OrchlabError, match=r"given up \(paused\): task failed; lab_web.1: exit 137"
    ):
        STACK.await_converged()


def test_a_deployment_that_was_rolled_back_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything runs, but it is what ran before."""
    undone = service(State="rollback_completed", Message="rollback completed")
    failed = [replace(task(), error="old", since="1"), replace(task(), error="new", since="2")]
    monkeypatch.setattr(shell, "run", lambda _argv, **_options: "")
    monkeypatch.setattr(Stack, "services", lambda _self: [undone])
    monkeypatch.setattr(Stack, "tasks", lambda *_words, **_options: failed)
    with pytest.raises(OrchlabError, match=r"rollback completed; lab_web.1: new$"):
        STACK.deploy(PLAN, {})


def test_an_earlier_rollback_is_no_reason_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its state stays until the next change."""
    monkeypatch.setattr(Stack, "services", lambda _self: [service(State="rollback_completed")])
    monkeypatch.setattr(Stack, "tasks", lambda *_words, **_options: [task()])
    STACK.await_converged()


def test_a_failed_deployment_says_what_the_tasks_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command itself only says that the services were created."""
    monkeypatch.setattr(shell, "run", lambda _argv, **_options: "")
    monkeypatch.setattr(swarm_stack, "CONVERGE_SECONDS", 0.0)
    monkeypatch.setattr(Stack, "services", lambda _self: [service(running=0)])
    failed = replace(task(), error="no such image")
    monkeypatch.setattr(Stack, "tasks", lambda *_words, **_options: [failed])
    with pytest.raises(WaitTimeout, match="no such image"):
        STACK.deploy(PLAN, {})


def test_the_command_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the manager's socket, both files and the stack, and holds no secret."""
    seen: dict[str, Any] = {}

    def run(argv: list[str], **options: object) -> str:
        seen.update(options, argv=[str(word) for word in argv])
        return ""

    monkeypatch.setattr(shell, "run", run)
    monkeypatch.setattr(Stack, "await_converged", lambda _self: None)
    monkeypatch.setattr(Stack, "services", lambda _self: [])
    STACK.deploy(PLAN, {"WEB_REPLICAS": "3"})
    assert seen["env"] == {"DOCKER_HOST": STACK.manager.url, "WEB_REPLICAS": "3"}
    assert seen["argv"][:3] == ["docker", "stack", "deploy"]
    assert seen["argv"][-1] == labels.LAB
