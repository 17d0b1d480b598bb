"""From the signal to stop until the stop.

A balancer notices late that a replica is leaving. So after SIGTERM the app first says
"not ready", goes on serving new and open requests for the drain time, asks every client
to come back on another connection, and only then closes its listeners.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Drain:
    """Whether the app is leaving, and when its time is over."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._now = now
        self._ends: float | None = None

    @property
    def active(self) -> bool:
        """True from the signal on."""
        return self._ends is not None

    @property
    def over(self) -> bool:
        """True when the drain time has passed."""
        return self._ends is not None and self._now() >= self._ends

    def begin(self) -> None:
        """Start the drain time; a second call changes nothing."""
        if self._ends is None:
            self._ends = self._now() + self.seconds
