"""The one waiter: poll a check until it holds, or say what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from orchlab.errors import WaitTimeout

T = TypeVar("T")


class Clock(Protocol):
    """Time in seconds from any fixed origin, and a way to let it pass."""

    def now(self) -> float:
        """Seconds since the origin."""

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds since boot."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the thread."""
        time.sleep(seconds)


SYSTEM = SystemClock()


def wait_until(  # noqa: PLR0913 - keyword-only, each with a plain default
    what: str,
    check: Callable[[], T | None],
    *,
    timeout: float,
    pause: float = 0.2,
    state: Callable[[], str] = lambda: "",
    hint: str = "",
    clock: Clock = SYSTEM,
) -> T:
    """Call ``check`` every ``pause`` seconds; return its first truthy answer.

    ``what`` names the condition ("3 replicas ready"). ``state`` describes the
    last state and is asked only when time runs out. Raises ``WaitTimeout``
    after ``timeout`` seconds; errors of ``check`` pass through.
    """
    deadline = clock.now() + timeout
    while True:
        answer = check()
        if answer:
            return answer
        if clock.now() >= deadline:
            raise WaitTimeout(what, timeout, state(), hint)
        clock.sleep(pause)
