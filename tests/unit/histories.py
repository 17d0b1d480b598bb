"""Histories as a run would have left them, for the judges."""

from __future__ import annotations

from orchlab.experiments.base import judged
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.outages import NS_PER_S
from orchlab.records import Event, Finding, History, Sample, Series

MS = 1_000_000
REPLICAS = ["a", "b", "c"]


def sample(
    at_s: float,
    series: Series = "new",
    *,
    ok: bool = True,
    replica: str = "a",
    entry: str = "n1",
) -> Sample:
    at = round(at_s * NS_PER_S)
    outcome = "ok" if ok else "fail"
    return Sample(series, entry, at, at, at + MS, outcome, 200 if ok else 503, "", replica)


def probed(
    seconds: float, failed: tuple[float, float] = (-1, -1), entry: str = "n1"
) -> list[Sample]:
    """20 requests/s per series on three replicas, failing inside an interval; control never."""
    samples = []
    for i in range(round(20 * seconds)):
        at = i / 20
        ok = not failed[0] <= at < failed[1]
        name = REPLICAS[i % 3]
        samples.append(sample(at, ok=ok, replica=name, entry=entry))
        samples.append(sample(at + 0.01, "reused", replica=name, entry=entry))
        samples.append(sample(at, "control", entry="control"))
    return samples


def event(at_s: float, kind: str, subject: str = "", **detail: object) -> Event:
    return Event(round(at_s * NS_PER_S), kind, subject, detail)


def ask(
    name: str, samples: list[Sample], events: list[Event], variant: str = "hardened"
) -> Finding:
    return judged(EXPERIMENTS[name](), History(name, "swarm", variant, samples, events))
