from __future__ import annotations

from app.drain import Drain


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_nothing_ends_before_the_signal() -> None:
    """However long the app runs, it is neither leaving nor done."""
    clock = Clock()
    drain = Drain(3, clock)
    clock.seconds += 1e6
    assert not drain.active
    assert not drain.over


def test_leaving_at_once_and_done_after_the_drain_time() -> None:
    """The signal makes the app leave; it is done when the time has passed, not before."""
    clock = Clock()
    drain = Drain(3, clock)
    drain.begin()
    clock.seconds += 2.9
    assert drain.active
    assert not drain.over
    clock.seconds += 0.1
    assert drain.over


def test_a_second_begin_does_not_prolong() -> None:
    """Asking again does not start the time anew."""
    clock = Clock()
    drain = Drain(3, clock)
    drain.begin()
    clock.seconds += 2
    drain.begin()
    clock.seconds += 1
    assert drain.over


def test_no_drain_time_means_done_at_once() -> None:
    """Zero seconds is a valid choice for a developer."""
    drain = Drain(0, Clock())
    drain.begin()
    assert drain.over
