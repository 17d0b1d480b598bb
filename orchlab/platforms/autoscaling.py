"""What an autoscaler aims at, the same for Swarm's (the lab's own) and for Kubernetes'."""

from __future__ import annotations

from dataclasses import dataclass

from orchlab.errors import UsageError


@dataclass(frozen=True, slots=True)
class Policy:
    """What the autoscaler aims at. Raises ``UsageError`` for what makes no sense.

    ``least`` and ``most`` replicas; ``target``: average CPU of a replica in percent of
    what it may use; ``up_seconds`` and ``down_seconds``: for how long a higher or a
    lower number must have been recommended before it is set.
    """

    least: int
    most: int
    target: float
    up_seconds: float = 0.0
    down_seconds: float = 60.0

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            reason = f"from {self.least} to {self.most} replicas is no range"
            raise UsageError(reason, "--min is at least 1, --max at least --min")
        if self.target <= 0:
            raise UsageError(f"a target of {self.target:g} % CPU cannot be met", "try 50")
        if min(self.up_seconds, self.down_seconds) < 0:
            raise UsageError("a window cannot be negative", "0 acts at once")
