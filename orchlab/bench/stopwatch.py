"""Seconds that something takes, as the reading of one side."""

from __future__ import annotations

import time
from collections.abc import Callable

from orchlab.bench.figure import Reading


def timed(act: Callable[[], object], before: Callable[[], object] = lambda: None) -> Reading:
    """What ``act`` takes; ``before`` clears the way for it, and does not count."""
    before()
    started = time.monotonic()
    act()
    return Reading(time.monotonic() - started)


def quiet(_: str) -> None:
    """For output that is read, not shown."""
