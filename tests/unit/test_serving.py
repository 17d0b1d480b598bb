"""Waiting from outside until every node leads to every replica."""

from __future__ import annotations

import itertools

import pytest

from orchlab.errors import WaitTimeout
from orchlab.platforms import serving
from orchlab.platforms.base import Endpoint, Replica

ENDPOINTS = [Endpoint("a", "http://127.0.0.1:1"), Endpoint("b", "http://127.0.0.1:2")]
REPLICAS = [Replica(name, name, "a", ready=True) for name in ("x", "y")]


def test_serving_means_every_node_answers_and_every_replica_was_met() -> None:
    """The wait goes on until the last replica has answered through some node."""
    answers = itertools.chain(["", "", "x", "x"], itertools.repeat("y"))
    serving.wait(lambda: ENDPOINTS, lambda: REPLICAS, 2, ask=lambda *_: {"replica": next(answers)})


def only_the_first(url: str, _: str) -> dict[str, str]:
    """An entry that answers, and one that does not."""
    return {"replica": "x"} if url.endswith("1") else {}


def test_a_silent_node_is_named_when_time_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out's message shows what each node answered."""
    monkeypatch.setattr(serving, "TIMEOUT_S", 0.0)
    with pytest.raises(WaitTimeout, match=r"'b': set\(\)"):
        serving.wait(lambda: ENDPOINTS, lambda: REPLICAS, 2, ask=only_the_first)


def test_an_entry_that_refuses_is_not_serving() -> None:
    """A refused connection is an empty answer, not an error."""
    assert serving.whoami("http://127.0.0.1:1") == ""
