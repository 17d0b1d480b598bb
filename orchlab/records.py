"""What a run is made of. All frozen; all times are ``time.monotonic_ns`` values.

A wall-clock anchor in ``run.json`` maps them to dates. ``CLOCK_MONOTONIC`` is one
clock for all processes of the host, so the prober's times and the runner's
events share an axis.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Series = Literal["new", "reused", "control"]
Outcome = Literal["ok", "fail", "info"]
Verdict = Literal["pass", "fail", "limit", "unsupported", "unknown", "void"]
"""pass: as promised. fail: a broken promise. limit: an expected shortcoming of
the platform. unsupported: the platform has no such capability. unknown: the
experiment or its judge broke. void: a control failed, so the run proves nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One probe: a single attempt, no retry.

    ``entry`` names the entry node; ``error`` is empty for an answered request;
    ``info`` is an outcome that may or may not have happened (a timed-out write).
    """

    series: Series
    entry: str
    intended_ns: int
    sent_ns: int
    done_ns: int
    outcome: Outcome
    status: int = 0
    error: str = ""
    replica: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a moment: a fault, a recovery, a phase mark.

    Of kind ``platform`` is what the platform itself said that it did; ``detail`` then
    holds its ``source`` (docker, swarm or k8s) and the ``node``.
    """

    at_ns: int
    kind: str
    subject: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def now(cls, kind: str, subject: str = "", **detail: object) -> Event:
        """An event at this moment."""
        return cls(time.monotonic_ns(), kind, subject, detail)


@dataclass(frozen=True, slots=True)
class Outage:
    """One interval without any success: bounds, because probing is discrete.

    The outage lasted at least from ``first_fail_ns`` to ``last_fail_ns`` and at
    most from ``last_good_ns`` to ``next_good_ns`` (None: no success seen on that
    side, so the upper bound is open).
    """

    first_fail_ns: int
    last_fail_ns: int
    last_good_ns: int | None
    next_good_ns: int | None
    failures: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One experiment on one platform in one variant, once: the unit of a run's plan."""

    platform: str
    variant: str
    experiment: str
    repetition: int = 1

    def __str__(self) -> str:
        again = f" #{self.repetition}" if self.repetition > 1 else ""
        return f"{self.platform}/{self.variant}/{self.experiment}{again}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One judged answer: what was asked of which platform, and what came out.

    ``values`` holds numbers with their unit in the name (``recovered_s``);
    a censored value is given as text with a leading ``>``.
    """

    experiment: str
    platform: str
    variant: str
    verdict: Verdict
    summary: str
    values: dict[str, float | int | str] = field(default_factory=dict)
    repetition: int = 1

    @property
    def cell(self) -> Cell:
        """The cell of the plan that it answers."""
        return Cell(self.platform, self.variant, self.experiment, self.repetition)


@dataclass(frozen=True, slots=True)
class History:
    """All that one cell of the plan left, as read back from disk."""

    experiment: str
    platform: str
    variant: str
    samples: list[Sample]
    events: list[Event]
    repetition: int = 1

    @property
    def cell(self) -> Cell:
        """The cell of the plan that left it."""
        return Cell(self.platform, self.variant, self.experiment, self.repetition)

    def first(self, kind: str) -> Event | None:
        """The earliest event of that kind."""
        return next(iter(self.all(kind)), None)

    def all(self, kind: str) -> list[Event]:
        """Events of that kind in time order."""
        found = (event for event in self.events if event.kind == kind)
        return sorted(found, key=lambda event: event.at_ns)


def to_row(record: Sample | Event) -> dict[str, Any]:
    """A JSON-ready row; ``type`` tells the two apart."""
    return {"type": type(record).__name__.lower(), **asdict(record)}


def from_row(row: dict[str, Any]) -> Sample | Event:
    """The inverse of ``to_row``."""
    fields = {key: value for key, value in row.items() if key != "type"}
    return Sample(**fields) if row["type"] == "sample" else Event(**fields)
