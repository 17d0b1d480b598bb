"""What an experiment is, and the bench on which it runs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from orchlab.apps import Feature
from orchlab.errors import WaitTimeout
from orchlab.metrics import Metrics, latency_ms, measure, void_reasons
from orchlab.platforms.base import DEFAULTS, HARDENED, Platform, Release, Replica
from orchlab.records import Event, Finding, History, Verdict
from orchlab.wait import wait_until

Needs = tuple[type | Feature, ...]
RECOMMENDED: tuple[str, ...] = (HARDENED,)
BOTH: tuple[str, ...] = (DEFAULTS, HARDENED)
CAPACITY_WINDOW = 120.0
"""Seconds to wait for all replicas; beyond it Cap is censored."""
BASELINE = 3.0
PHASE = 10.0
"""What a platform has to find out comes at a random moment of so many seconds: leases and
heartbeats would alias otherwise. An order is acted on at once, so it needs no such moment."""
RECOVERY = 8.0
"""Probing after the last replica is ready, so that 5 s without a failure can be seen."""


@dataclass(frozen=True)
class Bench:
    """One platform with a release in steady state, and where to write.

    ``record`` appends an event to the history. ``probing`` starts the prober on
    every entry node for the length of a ``with`` block.
    """

    platform: Platform
    release: Release
    record: Callable[[Event], None]
    probing: Callable[[], AbstractContextManager[object]]

    def mark(self, kind: str, subject: str = "", **detail: object) -> None:
        """Record that something happens now."""
        self.record(Event.now(kind, subject, **detail))

    def window(self, subject: str, seconds: float) -> None:
        """Let a phase of the experiment pass."""
        self.mark("window", subject, seconds=seconds)
        time.sleep(seconds)

    def baseline(self) -> None:
        """Let a healthy start pass, before an order."""
        self.window("baseline", BASELINE)

    def random_baseline(self) -> None:
        """The same of random length, before a fault."""
        self.window("baseline", BASELINE + random.uniform(0, PHASE))  # noqa: S311 - no secret

    def ready(
        self, gone: Callable[[Replica], bool] = lambda _: False, timeout: float = CAPACITY_WINDOW
    ) -> list[Replica]:
        """Wait until as many replicas as released are ready, those that are ``gone`` not counted.

        Raises ``WaitTimeout`` after ``timeout`` seconds.
        """

        def check() -> list[Replica] | None:
            found = [each for each in self.platform.replicas() if each.ready and not gone(each)]
            return found if len(found) >= self.release.replicas else None

        return wait_until(
            f"{self.release.replicas} replicas ready",
            check,
            timeout=timeout,
            pause=0.1,
            state=lambda: ", ".join(f"{r.name} ready={r.ready}" for r in self.platform.replicas()),
            hint="`invoke doctor` shows the machine; the run's logs show the replicas",
        )

    def await_capacity(
        self, gone: Callable[[Replica], bool], window: float = CAPACITY_WINDOW
    ) -> None:
        """Mark when all replicas are ``ready`` again, or that they were not within the window."""
        try:
            self.ready(gone, window)
        except WaitTimeout:
            self.mark("censored", "ready", seconds=window)
        else:
            self.mark("ready")

    def restore(self) -> None:
        """Deploy the release again: whatever was changed, it serves as before."""
        self.platform.deploy(self.release)


class Experiment(Protocol):
    """One question. ``run`` acts and records; ``judge`` only reads.

    ``row`` is its number in the table of questions. ``variants`` are those in which the
    question makes sense: ``RECOMMENDED`` alone, or ``BOTH``. ``needs`` lists what has to be
    there, else the answer is ``unsupported``: capability protocols of the platform and
    features of the app. ``judge`` is pure, so it can be repeated from disk.
    """

    name: str
    row: str
    question: str
    variants: tuple[str, ...]
    needs: Needs

    def run(self, bench: Bench) -> None:
        """Carry out the experiment on a platform in steady state."""

    def judge(self, history: History) -> Finding:
        """Answer the question from what was recorded."""


def finding(history: History, verdict: Verdict, summary: str, **values: float | str) -> Finding:
    """A finding about the platform and variant that left this history."""
    cell = history.cell
    return Finding(
        cell.experiment, cell.platform, cell.variant, verdict, summary, values, cell.repetition
    )


def start_of(history: History, kind: str) -> int:
    """When the first event of that kind happened. Raises ``LookupError`` when none did."""
    event = history.first(kind)
    if event is None:
        raise LookupError(f"the history has no {kind!r} event")
    return event.at_ns


def measured(history: History, since_ns: int) -> Metrics:
    """The metrics from ``since_ns`` to the end of probing."""
    last = max((sample.sent_ns for sample in history.samples), default=since_ns)
    return measure(history.samples, since_ns, last + 1)


def judged(experiment: Experiment, history: History) -> Finding:
    """The experiment's answer; void when the controls failed, unknown when judging did."""
    try:
        answer = experiment.judge(history)
        reasons = void_reasons(history.samples) if history.samples else []
    except Exception as error:  # noqa: BLE001 - a judge that breaks must never pass
        return finding(history, "unknown", f"the judge broke: {type(error).__name__}: {error}")
    answer = replace(answer, values={**answer.values, **_machine(history)})
    return replace(answer, verdict="void", summary="; ".join(reasons)) if reasons else answer


def _machine(history: History) -> dict[str, float]:
    """How busy the machine was: a time-out on one without a free core says little of a platform."""
    control = (sample for sample in history.samples if sample.series == "control")
    latency = latency_ms(control, 99)
    pressure = [event.detail["avg10"] for event in history.all("pressure")]
    found = {} if latency is None else {"control_p99_ms": round(latency, 1)}
    return found | ({"cpu_pressure_percent": max(pressure)} if pressure else {})
