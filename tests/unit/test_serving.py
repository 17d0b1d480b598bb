"""Waiting from outside until every node leads to every replica."""

from __future__ import annotations

import itertools

import pytest

from orchlab.errors import WaitTimeout
from orchlab.platforms import serving
from orchlab.platforms.base import Endpoint, Replica

ENDPOINTS = [Endpoint("a", "http://127.0.0.1:1"), Endpoint("b", "http://127.0.0.1:2")]
REPLICAS = [Replica(name, name, "a", ready=True) for name in ("x", "y")]


def test_serving_means_every_node_answers_and_every_replica_was_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The wait goes on until the last replica has answered through some node."""
    answers = itertools.chain(["", "", "x", "x"], itertools.repeat("y"))
    monkeypatch.setattr(serving, "whoami", lambda _: next(answers))
    serving.wait(lambda: ENDPOINTS, lambda: REPLICAS, 2)


def test_a_silent_node_is_named_when_time_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out's message shows what each node answered."""
    monkeypatch.setattr(serving, "TIMEOUT_S", 0.0)
    monkeypatch.setattr(serving, "whoami", lambda url: "x" if url.endswith("1") else "")
    with pytest.raises(WaitTimeout, match=r"'b': set\(\)"):
        serving.wait(lambda: ENDPOINTS, lambda: REPLICAS, 2)


def test_an_entry_that_refuses_is_not_serving() -> None:
    """A refused connection is an empty answer, not an error."""
    assert serving.whoami("http://127.0.0.1:1") == ""
