"""How many replicas a load needs: the decisions of the autoscaler, and nothing else (pure).

The arithmetic is that of Kubernetes' HorizontalPodAutoscaler, so that the two can be
compared: ``ceil(replicas * usage / target)``, no change within a tolerance, a replica
without a measurement never makes a change larger, and of all the recommendations
within a window the most cautious one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import fmean

from orchlab.platforms.autoscaling import Policy

TOLERANCE = 0.1
"""Relative distance from the target within which nothing is changed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now: ``usage`` is the average of what was measured, None if nothing was."""

    current: int
    usage: float | None
    recommended: int
    replicas: int


@dataclass
class Autoscale:
    """The decisions of one run; remembers what was recommended within the windows."""

    policy: Policy
    _history: list[tuple[float, int]] = field(default_factory=list)

    def decide(self, now: float, current: int, usages: Sequence[float | None]) -> Decision:
        """How many replicas there should be at ``now`` (seconds, any fixed origin).

        ``usages`` has one entry per replica, in percent, None where it is not known.
        """
        policy = self.policy
        if not self._history:  # what runs at the start counts as recommended until then
            self._history.append((now, current))
        recommended = within(recommend(current, usages, policy.target), policy)
        self._history.append((now, recommended))
        longest = max(policy.up_seconds, policy.down_seconds)
        self._history = [each for each in self._history if each[0] > now - longest] or [
            (now, recommended)
        ]
        known = [each for each in usages if each is not None]
        replicas = within(stabilised(self._history, now, current, policy), policy)
        return Decision(current, fmean(known) if known else None, recommended, replicas)


def recommend(current: int, usages: Sequence[float | None], target: float) -> int:
    """How many replicas would bring the average usage to the target, bounds apart.

    A replica whose usage is unknown counts as idle when more are needed, and as just
    at the target when fewer are: so it makes every change smaller.
    """
    known = [each for each in usages if each is not None]
    if not known:
        return current
    ratio = fmean(known) / target
    if close(ratio):
        return current
    assumed = 0.0 if ratio > 1 else target
    ratio_of_all = fmean([assumed if each is None else each for each in usages]) / target
    if close(ratio_of_all) or (ratio_of_all > 1) != (ratio > 1):
        return current
    wanted = ceil(round(ratio_of_all * len(usages), 9))
    return max(wanted, current) if ratio > 1 else min(wanted, current)


def close(ratio: float) -> bool:
    """Whether usage is so near the target that nothing should change."""
    return abs(ratio - 1) <= TOLERANCE


def stabilised(
    history: Sequence[tuple[float, int]], now: float, current: int, policy: Policy
) -> int:
    """The most cautious of what was recommended within the windows, as (time, replicas)."""
    up = [number for at, number in history if at > now - policy.up_seconds]
    down = [number for at, number in history if at > now - policy.down_seconds]
    newest = history[-1][1]
    return min(max(current, min([newest, *up])), max([newest, *down]))


def within(replicas: int, policy: Policy) -> int:
    """The number, or the bound that it breaks."""
    return min(max(replicas, policy.least), policy.most)
