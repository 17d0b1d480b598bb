"""The order of an update's steps, on a project that is only pretended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from orchlab import shell
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.store import Image
from orchlab.platforms.compose import update as compose_update
from orchlab.platforms.compose.stack import Deployment
from orchlab.platforms.compose.update import Update

OLD, NEW = Image("app:1", "sha256:1"), Image("app:2", "sha256:2")
BEFORE = Deployment("hardened", OLD.reference, 3, previous="app:0")
STATES: dict[str, dict[str, Any]] = {
    "good": {"Status": "running", "Health": {"Status": "healthy"}},
    "ill": {"Status": "running", "Health": {"Status": "unhealthy"}},
    "ends": {"Status": "exited"},
}


@dataclass
class Pretended:
    """A container that is in one state from the start."""

    number: int
    image: Image
    state: str

    @property
    def name(self) -> str:
        return f"lab-web-{self.number}"

    @property
    def id(self) -> str:
        return self.name

    @property
    def attrs(self) -> dict[str, Any]:
        config = {"Image": self.image.reference, "Hostname": self.name}
        state = {"ExitCode": 3, **STATES[self.state]}
        return {"Config": config, "Image": self.image.id, "State": state, "RestartCount": 0}

    def reload(self) -> None:
        """Nothing changes by itself."""

    def logs(self, tail: int) -> bytes:
        return b"no disk\n"


@dataclass
class Stack:
    """App and project in one; new replicas come out as ``states`` says, then good."""

    states: list[str] = field(default_factory=list)
    unready: set[str] = field(default_factory=set)
    unreached: set[str] = field(default_factory=set)
    missing: bool = False
    interrupted: bool = False
    fewest: int = 3

    def __post_init__(self) -> None:
        self.project = self
        self.web = [Pretended(number, OLD, "good") for number in (1, 2, 3)]
        self.applied: list[Deployment] = []
        self.joined: list[str] = []

    def containers(self, _: str) -> list[Pretended]:
        return list(self.web)

    def apply(self, deployment: Deployment, *argv: str) -> None:
        self.applied.append(deployment)
        new = deployment.image == NEW.reference
        if new and self.missing:
            raise CommandFailed(["docker"], 1, "Pulling\nNo such image: app:2\n")
        states = iter(self.states if new else [])
        image = NEW if new else OLD
        if "web" not in argv:  # no single replica is meant, but all of them
            self.web = [Pretended(each.number, image, next(states, "good")) for each in self.web]
            return
        state = self.states.pop(0) if new and self.states else "good"
        self.web.append(Pretended(max(each.number for each in self.web) + 1, image, state))

    def reaches(self, replica: str) -> bool:
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt
        return replica not in self.unreached

    def await_serving(self, count: int) -> None:
        assert len(self.web) == count

    def health(self, replica: Pretended) -> str:
        return "503 draining" if replica.name in self.unready else "200 ready"

    def says(self, replica: Pretended) -> str:
        return f"its GET /ready: {self.health(replica)}"

    def run(self, argv: list[str]) -> str:
        """The gateway: removes containers and remembers how few were left."""
        if argv[1:3] == ["network", "connect"]:
            self.joined.append(argv[-1])
        if argv[1] == "rm":
            self.web = [each for each in self.web if each.name != argv[-1]]
            self.fewest = min(self.fewest, sum(each.state == "good" for each in self.web))
        return ""

    def images(self) -> list[str]:
        return [each.image.reference for each in self.web]


def update(monkeypatch: pytest.MonkeyPatch, stack: Stack) -> Update:
    monkeypatch.setattr(shell, "run", stack.run)
    monkeypatch.setattr(compose_update, "READY_SECONDS", 0.0)
    monkeypatch.setattr(compose_update, "REACHED_SECONDS", 0.0)
    monkeypatch.setattr(compose_update.sweep, "INTERRUPTED_SECONDS", 0.0)
    return Update(stack, BEFORE, NEW)  # type: ignore[arg-type]


def test_one_replica_after_another_is_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one more while it lasts, never one less; the label says what ran before."""
    stack = Stack()
    rollout = update(monkeypatch, stack).one_by_one()
    assert (rollout.outcome, rollout.image) == ("updated", "app:2")
    assert stack.images() == ["app:2"] * 3
    assert stack.fewest == 3
    assert {each.previous for each in stack.applied} == {"app:1"}


@pytest.mark.parametrize(
    ("state", "reason"),
    [("ill", "unhealthy"), ("ends", "exit status 3; it said: no disk")],
)
@pytest.mark.parametrize("good", [0, 1, 2])
def test_a_replica_that_does_not_serve_brings_the_old_image_back(
    monkeypatch: pytest.MonkeyPatch, state: str, reason: str, good: int
) -> None:
    """However many new ones serve already, and without ever serving with fewer."""
    stack = Stack(["good"] * good + [state])
    rollout = update(monkeypatch, stack).one_by_one()
    assert (rollout.outcome, rollout.image) == ("rolled-back", "app:1")
    assert reason in rollout.reason
    assert stack.images() == ["app:1"] * 3
    assert stack.fewest == 3


def test_a_replica_that_clients_do_not_reach_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Health is not enough: the edge must lead there."""
    rollout = update(monkeypatch, stack := Stack(unreached={"lab-web-4"})).one_by_one()
    assert rollout.outcome == "rolled-back"
    assert "clients reach" in rollout.reason
    assert stack.images() == ["app:1"] * 3


def test_clients_never_meet_a_replica_that_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """It joins the edge's network only when it is; what it says instead is passed on."""
    rollout = update(monkeypatch, stack := Stack(unready={"lab-web-4"})).one_by_one()
    assert rollout.outcome == "rolled-back"
    assert "503 draining" in rollout.reason
    assert stack.images() == ["app:1"] * 3
    assert stack.joined == []
    update(monkeypatch, stack := Stack()).one_by_one()
    assert stack.joined == ["lab-web-4", "lab-web-5", "lab-web-6"]


def test_an_image_that_does_not_exist_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's own words are the reason, in either way of updating."""
    for way in (Update.one_by_one, Update.all_at_once):
        stack = Stack(missing=True)
        rollout = way(update(monkeypatch, stack))
        assert (rollout.outcome, rollout.reason) == ("rolled-back", "No such image: app:2")
        assert stack.images() == ["app:1"] * 3


def test_an_interrupted_update_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C leaves the old image and the old number, and stays Ctrl-C."""
    stack = Stack(interrupted=True)
    with pytest.raises(KeyboardInterrupt):
        update(monkeypatch, stack).one_by_one()
    assert stack.images() == ["app:1"] * 3


def test_all_at_once_replaces_every_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one plain command."""
    stack = Stack()
    assert update(monkeypatch, stack).all_at_once().outcome == "updated"
    assert stack.images() == ["app:2"] * 3
    assert len(stack.applied) == 1


def test_all_at_once_nothing_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bad image stays; the user is told why, and what to do."""
    stack = Stack(["good", "ends"])
    with pytest.raises(OrchlabError, match="no disk") as caught:
        update(monkeypatch, stack).all_at_once()
    assert "compose-rollback" in caught.value.hint
    assert stack.images() == ["app:2"] * 3
