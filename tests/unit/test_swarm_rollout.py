from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from unittest.mock import Mock

import pytest

from orchlab.errors import OrchlabError, UsageError, WaitTimeout
from orchlab.platforms.base import Rollout
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import leftovers as swarm_leftovers
from orchlab.platforms.swarm import rollout as swarm_rollout
from orchlab.platforms.swarm import secrets as swarm_secrets
from orchlab.platforms.swarm.rollout import Rollouts, progress
from orchlab.platforms.swarm.stack import Stack
from orchlab.platforms.swarm.tasks import Task

SECRET = {
    "SecretName": "lab-api-key-1",
    "File": {"Name": "api_key", "UID": "1", "GID": "1", "Mode": 256},
}


def spec(image: str = "app:1", secret: str = "", **labels: str) -> dict[str, Any]:
    container: dict[str, Any] = {"Image": image}
    if secret:
        container["Secrets"] = [{**SECRET, "SecretName": secret}]
    return {"Labels": labels, "TaskTemplate": {"ContainerSpec": container}}


def service(
    state: str = "",
    message: str = "",
    image: str = "app:1",
    previous: dict[str, Any] | None = None,
) -> dict[str, Any]:
    update = {"State": state, "Message": message} if state else {}
    found = {"Spec": spec(image), "UpdateStatus": update, "ServiceStatus": {"DesiredTasks": 1}}
    return {**found, "PreviousSpec": previous} if previous else found


def task(
    state: str = "running", error: str = "", name: str = "t1", *, current: bool = True
) -> Task:
    return Task(name, "lab_web.1", "lab-worker1", state, "c1", error, current=current)


class Swarm:
    """A stack whose manager answers from a script: what each look at the service shows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *shown: dict[str, Any]) -> None:
        self.commands: list[str] = []
        self.tasks = [task()]
        self.secrets = ["lab-api-key-1"]
        self.shown = list(shown)
        monkeypatch.setattr(Stack, "service", lambda _self, _name: self._next())
        monkeypatch.setattr(Stack, "tasks", lambda *_words, **_options: self.tasks)
        monkeypatch.setattr(Stack, "api", lambda _self: nullcontext(self._client()))
        monkeypatch.setattr(Stack, "run", lambda _self, *argv: self.commands.append(" ".join(argv)))
        self.rollouts = Rollouts(Stack(Node("manager", 1, "198.18.0.10")))

    def _next(self) -> dict[str, Any]:
        return self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]

    def _client(self) -> Mock:
        client = Mock()
        client.secrets.list.return_value = [named(each) for each in self.secrets]
        return client


def named(name: str) -> Mock:
    found = Mock()
    found.name = name
    return found


@pytest.mark.parametrize(
    ("state", "tasks", "settled"),
    [
        ("", [task()], True),
        ("", [task(current=False)], False),
        ("", [], False),
        ("", [task("starting")], False),
        ("updating", [task()], False),
        ("completed", [task()], True),
        ("rollback_started", [task()], False),
        ("rollback_completed", [task()], True),
        ("paused", [task("rejected", current=False)], True),
        ("rollback_paused", [], True),
    ],
)
def test_a_change_has_ended_when_swarm_says_so(
    state: str,
    tasks: list[Task],
    settled: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """And every task is what was asked for; the number of tasks alone says nothing."""
    assert progress(service(state), tasks).settled is settled


def test_progress_is_shown_by_task() -> None:
    """Which slot runs the new one, and which still the old one."""
    tasks = [task("starting"), Task("t2", "lab_web.2", "n", "running", "c", "", current=False)]
    assert (
        progress(service("updating"), tasks).text == "updating: web.1 starting; web.2 old, running"
    )


def test_an_update_remembers_what_ran_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a label of the service, because scaling makes Swarm forget it."""
    swarm = Swarm(monkeypatch, service(), service(), service("completed", image="app:2"))
    assert swarm.rollouts.update("app:2") == Rollout("updated", "app:2")
    assert "--label-add orchlab.previous=app:1" in swarm.commands[0]


def test_what_swarm_rolled_back_is_said_with_the_tasks_own_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Errors from before the update are not its fault."""
    swarm = Swarm(monkeypatch, service("rollback_completed", "rollback completed"))
    known, failed = task("failed", "old trouble", "t1"), task("failed", "unhealthy", "t2")
    answers = [[known], [task()], [known, failed]]
    monkeypatch.setattr(Stack, "tasks", lambda *_words, **_options: answers.pop(0))
    assert swarm.rollouts.change("--image", "app:2") == Rollout(
        "rolled-back", "app:1", "lab_web.1: unhealthy"
    )


def test_what_swarm_only_pauses_the_lab_rolls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Swarm's default leaves half of the replicas broken and waits for a person."""
    before, paused = service(), service("paused", "task failed")
    swarm = Swarm(monkeypatch, before, before, paused, paused, service("rollback_completed"))
    assert swarm.rollouts.update("app:2") == Rollout("rolled-back", "app:1", "task failed")
    assert swarm.commands[-1].startswith("service rollback")


def test_a_way_back_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither release runs then: nothing may claim that the old one does."""
    swarm = Swarm(monkeypatch, service("rollback_paused", "task failed"))
    with pytest.raises(OrchlabError, match="nor the way back"):
        swarm.rollouts.update("app:2")


def test_an_update_that_never_ends_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Swarm itself waits for ever for a node with enough room."""
    monkeypatch.setattr(swarm_rollout, "BASE_SECONDS", 0)
    monkeypatch.setattr(swarm_rollout, "REPLICA_SECONDS", 0)
    swarm = Swarm(monkeypatch, service("updating"))
    swarm.tasks = [task("pending", "no suitable node")]
    with pytest.raises(WaitTimeout, match="no suitable node"):
        swarm.rollouts.update("app:2")


def test_a_rollback_brings_back_all_that_ran_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Swarm's own way, which knows more than the image."""
    now = service(image="app:2", previous=spec("app:1", "lab-api-key-1"))
    swarm = Swarm(monkeypatch, now, now, service("rollback_completed"))
    assert swarm.rollouts.rollback() == Rollout("updated", "app:1")
    assert swarm.commands == [f"service rollback --detach {swarm.rollouts.name}"]


def test_a_rollback_works_after_scaling(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Swarm remembers then differs in its replicas only; the label says the image."""
    scaled = {"Spec": spec("app:2", **{"orchlab.previous": "app:1"}), "PreviousSpec": spec("app:2")}
    swarm = Swarm(monkeypatch, service() | scaled, service(image="app:2"), service("completed"))
    assert swarm.rollouts.rollback().outcome == "updated"
    assert "--image app:1" in swarm.commands[0]


@pytest.mark.parametrize("previous", [None, spec("app:1"), spec("app:0", "lab-api-key-gone")])
def test_there_may_be_nothing_to_go_back_to(
    monkeypatch: pytest.MonkeyPatch, previous: dict[str, Any] | None
) -> None:
    """Nothing before, nothing different, or a secret that was replaced for good."""
    swarm = Swarm(monkeypatch, service(previous=previous))
    with pytest.raises(OrchlabError, match="nothing ran before"):
        swarm.rollouts.rollback()
    assert swarm.commands == []


def test_a_new_key_is_a_new_secret_in_the_place_of_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,  # noqa: ANN401 - pytest's own fixture
) -> None:
    """Same file, same owner, same mode; the key itself is in no argument."""
    key = tmp_path / "key"
    key.write_text("canary")
    swarm = Swarm(monkeypatch, {"Spec": spec("app:1", "lab-api-key-1")})
    flags = swarm_secrets.replace_key(swarm.rollouts.stack, key)
    assert flags[:2] == ["--secret-rm", "lab-api-key-1"]
    assert flags[3].endswith(",target=api_key,uid=1,gid=1,mode=0400")
    assert swarm.commands[0].endswith(str(key))
    assert "canary" not in " ".join([*flags, *swarm.commands])


def test_a_release_without_a_key_has_none_to_rotate(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,  # noqa: ANN401 - pytest's own fixture
) -> None:
    """The hint names the variant that has one."""
    swarm = Swarm(monkeypatch, service())
    with pytest.raises(UsageError) as error:
        swarm_secrets.replace_key(swarm.rollouts.stack, tmp_path)
    assert "hardened" in error.value.hint


def test_old_secrets_go_at_once_and_old_configs_when_no_rollback_needs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A secret that was replaced must not come back."""

    def holding(secret: str, config: str) -> dict[str, Any]:
        found = spec(secret=secret)
        found["TaskTemplate"]["ContainerSpec"]["Configs"] = [{"ConfigName": config}]
        return found

    shown = {"Spec": holding("s2", "c2"), "PreviousSpec": holding("s1", "c1")}
    secrets, configs = map(named, ("s1", "s2")), list(map(named, ("c0", "c1", "c2")))
    old, used = secrets
    client = Mock()
    client.secrets.list.return_value = [old, used]
    client.configs.list.return_value = configs
    monkeypatch.setattr(Stack, "services", lambda _self: [shown])
    monkeypatch.setattr(Stack, "api", lambda _self: nullcontext(client))
    swarm_leftovers.prune(Stack(Node("manager", 1, "198.18.0.10")))
    old.remove.assert_called_once()
    used.remove.assert_not_called()
    assert [each.remove.called for each in configs] == [True, False, False]
