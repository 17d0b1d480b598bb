from __future__ import annotations

import pytest

from orchlab.errors import WaitTimeout
from orchlab.wait import wait_until


class FakeClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_returns_the_first_truthy_answer() -> None:
    """The waiter passes on what the check found."""
    answers = iter([None, 0, "ready"])
    clock = FakeClock()
    assert wait_until("it", lambda: next(answers), timeout=9, pause=1, clock=clock) == "ready"
    assert clock.time == 2


def test_time_out_says_what_and_the_last_state() -> None:
    """A time-out names the condition, the limit, the last state and the next step."""
    with pytest.raises(WaitTimeout) as caught:
        wait_until(
            "3 replicas ready",
            lambda: None,
            timeout=5,
            state=lambda: "2 ready",
            hint="look at the logs",
            clock=FakeClock(),
        )
    assert caught.value.message == "3 replicas ready: not within 5 s; last seen: 2 ready"
    assert caught.value.hint == "look at the logs"


def test_checks_at_least_once() -> None:
    """A condition that already holds needs no time."""
    assert wait_until("it", lambda: True, timeout=0, clock=FakeClock())


def test_errors_of_the_check_pass_through() -> None:
    """The waiter hides no error."""

    def broken() -> bool:
        raise KeyError("x")

    with pytest.raises(KeyError):
        wait_until("it", broken, timeout=1, clock=FakeClock())
