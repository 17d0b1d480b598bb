"""Waiting from outside until every node leads to every replica."""

from __future__ import annotations

import itertools
import json

import pytest

from orchlab.apps import App
from orchlab.errors import WaitTimeout
from orchlab.platforms import serving
from orchlab.platforms.base import Endpoint, Replica
from orchlab.platforms.serving import TURNS
from tests.unit.test_wait import FakeClock

ENDPOINTS = [Endpoint("a", "http://127.0.0.1:1"), Endpoint("b", "http://127.0.0.1:2")]
REPLICAS = [Replica(name, name, "a", ready=True) for name in ("x", "y")]
ONLY_X, ONLY_Y, BOTH = ("x" * 2 * TURNS, "y" * 2 * TURNS, "xy" * TURNS)
"""Who answers a row of requests to one of the endpoints."""

NAMELESS = App(name="plain", image="plain:1", port=80, health="/up")


def name(replica: str) -> str:
    """What the lab's app answers."""
    return json.dumps({"replica": replica})


def test_serving_means_that_every_node_has_led_to_every_replica() -> None:
    """One that was cut off may know only a part of them, and answers all the same."""
    answers = iter(2 * (BOTH + ONLY_X) + BOTH + ONLY_Y)
    serving.wait(lambda: ENDPOINTS, lambda: REPLICAS, 2, ask=lambda *_: name(next(answers)))
    assert list(answers) == []


def test_replicas_with_an_entry_each_are_met_through_all_of_them_together() -> None:
    """Then an entry leads to no other."""
    serving.wait(
        lambda: ENDPOINTS,
        lambda: REPLICAS,
        2,
        ask=lambda url, _: name("x" if url.endswith("1") else "y"),
        shared=False,
    )


def test_a_replica_that_was_met_in_an_earlier_life_has_to_be_met_again() -> None:
    """A Swarm's task has the name of the one before it."""
    before = [Replica(each.name, f"{each.name}-before", "a", ready=True) for each in REPLICAS]
    told = itertools.chain([before], itertools.repeat(REPLICAS))
    answers = iter(ONLY_X + ONLY_Y + ONLY_X)
    serving.wait(lambda: ENDPOINTS[:1], lambda: next(told), 2, ask=lambda *_: name(next(answers)))
    assert list(answers) == []


def test_one_that_is_on_its_way_out_may_not_answer_any_more() -> None:
    """A node that still leads to it is not done."""
    answers = iter(BOTH + BOTH.replace("x", "o", 1) + ONLY_X + ONLY_Y)
    serving.wait(lambda: ENDPOINTS, lambda: REPLICAS, 2, ask=lambda *_: name(next(answers)))
    assert list(answers) == []


def only_the_first(url: str, _: str) -> str | None:
    """An entry that answers, and one that does not."""
    return name("x") if url.endswith("1") else None


def test_a_silent_node_is_named_when_time_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out's message shows what each node answered."""
    monkeypatch.setattr(serving, "TIMEOUT_S", 0.0)
    with pytest.raises(WaitTimeout, match=r"'b': \{''\}"):
        serving.wait(lambda: ENDPOINTS, lambda: REPLICAS, 2, ask=only_the_first)


def test_replicas_that_nobody_can_tell_apart_serve_when_all_requests_in_a_row_are_answered() -> (
    None
):
    """By every entry, on the health path; one failure begins the row anew."""
    answers = iter([None, "ok", None, "ok", "ok", "ok", "ok"])
    paths: set[str] = set()

    def ask(_: str, path: str) -> str | None:
        paths.add(path)
        return next(answers)

    serving.wait(lambda: ENDPOINTS, lambda: REPLICAS, 2, app=NAMELESS, ask=ask)
    assert list(answers) == []
    assert paths == {"/up"}


def test_an_app_without_an_identity_does_not_serve_before_its_replicas_are_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever answers meanwhile."""
    monkeypatch.setattr(serving, "TIMEOUT_S", 0.0)
    with pytest.raises(WaitTimeout, match="3 replicas"):
        serving.wait(lambda: ENDPOINTS, lambda: REPLICAS, 3, app=NAMELESS, ask=lambda *_: "ok")


def test_an_entry_that_refuses_is_not_serving() -> None:
    """A refused connection is an empty answer, not an error."""
    assert serving.whoami("http://127.0.0.1:1") == ""


def test_a_node_that_answered_for_a_moment_has_to_answer_for_seconds() -> None:
    """What was cut off serves with what it has, until that is replaced."""
    clock = FakeClock()

    def ask(url: str, _: str) -> str | None:
        return None if url.endswith("2") and not 1 < clock.time < 2 else "ok"

    with pytest.raises(WaitTimeout):
        serving.wait_until_steady(lambda: ENDPOINTS, "/up", 20, ask=ask, clock=clock)


def test_steady_means_no_failure_for_seconds() -> None:
    """Counted from the last one."""
    clock = FakeClock()

    def ask(url: str, _: str) -> str | None:
        return None if url.endswith("2") and clock.time < 7 else "ok"

    serving.wait_until_steady(lambda: ENDPOINTS, "/up", 20, ask=ask, clock=clock)
    assert 9 < clock.time < 11
