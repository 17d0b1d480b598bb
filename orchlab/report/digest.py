"""What the page needs of a history: some kilobytes instead of thousands of samples.

A full run holds millions of rows, and reading them takes minutes. So each history is
digested once, and the digest is kept beside its rows as ``<experiment>-<repetition>.digest``;
it is made anew when the rows, or this module, have changed. Times are seconds from the
fault, or from the first request where nothing was broken.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from orchlab import metrics, outages
from orchlab.outages import BIN_NS, NS_PER_MS, NS_PER_S
from orchlab.records import Cell, Event, History, Outage, Sample

FORMAT = 1
"""Of the file; digests of another format are made anew."""
SERIES = ("new", "reused", "control")
STATES = ("ok", "info", "mixed", "fail")
HIDDEN = {"pressure", "probe-start", "probe-stop"}
STEP = 1.05
"""Latencies are counted in classes, each 5 % above the one below it."""

Span = tuple[float, float, int]
"""Start, end, and the index of its state in ``STATES``."""
Bounds = tuple[float, float, float | None, float | None]
"""First and last failure of an outage; the last success before and the first one after."""


@dataclass(frozen=True, slots=True)
class Lane:
    """All samples of one series at one entry node.

    ``spans``: neighbouring tenths of a second in one state. ``outages``: each interval
    without any success. ``causes``: what the failures were -> how many.
    """

    series: str
    entry: str
    failed: int
    total: int
    p50_ms: float | None
    p99_ms: float | None
    spans: list[Span]
    outages: list[Bounds]
    causes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """An event: when, of what kind, about what; ``source`` tells who saw it, or is empty."""

    at_s: float
    kind: str
    subject: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """A history, condensed. ``latency``: series -> class of latency -> answers in it."""

    experiment: str
    platform: str
    variant: str
    repetition: int
    start_s: float
    end_s: float
    lanes: list[Lane]
    moments: list[Moment]
    latency: dict[str, dict[int, int]]
    pressure: float | None
    lag_p99_ms: float | None

    @property
    def cell(self) -> Cell:
        """The cell of the plan whose history it condenses."""
        return Cell(self.platform, self.variant, self.experiment, self.repetition)

    def first(self, kind: str) -> Moment | None:
        """The earliest event of that kind."""
        return next((each for each in self.moments if each.kind == kind), None)


def digest(history: History) -> Digest:
    """Condense a history; it may be empty."""
    events = sorted((e for e in history.events if e.kind not in HIDDEN), key=lambda e: e.at_ns)
    samples = outages.in_order(history.samples)
    start, zero, end = _window(samples, events)
    grouped: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        grouped[sample.series, sample.entry].append(sample)
    keys = sorted(grouped, key=lambda key: (SERIES.index(key[0]), key[1]))
    return Digest(
        history.experiment,
        history.platform,
        history.variant,
        history.repetition,
        start_s=_s(start, zero),
        end_s=_s(end, zero),
        lanes=[_lane(key, grouped[key], start, zero) for key in keys],
        moments=[_moment(event, zero) for event in events],
        latency=_latency(samples),
        pressure=_pressure(history),
        lag_p99_ms=_rounded(metrics.lag_ms(samples, 99)),
    )


def milliseconds(index: int) -> float:
    """The upper end of a class of latency."""
    return float(STEP**index)


def _window(samples: list[Sample], events: list[Event]) -> tuple[int, int, int]:
    """Start, zero and end in monotonic nanoseconds."""
    fault = next((event for event in events if event.kind == "fault"), None)
    sent = [samples[0].sent_ns, samples[-1].sent_ns + BIN_NS] if samples else []
    moments = sent or [event.at_ns for event in events] or [0]
    if samples:  # what happened long before probing would only make the rest small
        moments = [*sent, *(e.at_ns for e in events if e.at_ns >= sent[0])]
    start, end = min(moments), max(moments)
    return start, fault.at_ns if fault else start, end


def _lane(key: tuple[str, str], samples: list[Sample], start: int, zero: int) -> Lane:
    tally = metrics.tally(samples)
    bad = Counter(s.error or f"status {s.status}" for s in samples if s.outcome == "fail")
    return Lane(
        *key,
        failed=tally.failed,
        total=tally.total,
        p50_ms=_rounded(metrics.latency_ms(samples, 50)),
        p99_ms=_rounded(metrics.latency_ms(samples, 99)),
        spans=_spans(samples, start, zero),
        outages=[_bounds(each, zero) for each in outages.outages(samples)],
        causes=dict(bad.most_common()),
    )


def _spans(samples: list[Sample], start: int, zero: int) -> list[Span]:
    """Bins of 100 ms, equal neighbours joined; a bin without a sample doesn't end a span."""
    bins: dict[int, set[str]] = defaultdict(set)
    for sample in samples:
        bins[(sample.sent_ns - start) // BIN_NS].add(sample.outcome)
    states = [(number, _state(inside)) for number, inside in sorted(bins.items())]
    joined = [(state, list(same)) for state, same in groupby(states, key=lambda each: each[1])]
    return [
        (
            _s(start + same[0][0] * BIN_NS, zero),
            _s(start + (same[-1][0] + 1) * BIN_NS, zero),
            STATES.index(state),
        )
        for state, same in joined
    ]


def _state(outcomes: set[str]) -> str:
    if "fail" in outcomes:
        return "mixed" if "ok" in outcomes else "fail"
    return "ok" if "ok" in outcomes else "info"


def _bounds(outage: Outage, zero: int) -> Bounds:
    good, again = outage.last_good_ns, outage.next_good_ns
    return (
        _s(outage.first_fail_ns, zero),
        _s(outage.last_fail_ns, zero),
        None if good is None else _s(good, zero),
        None if again is None else _s(again, zero),
    )


def _moment(event: Event, zero: int) -> Moment:
    return Moment(
        _s(event.at_ns, zero), event.kind, event.subject, str(event.detail.get("source", ""))
    )


def _latency(samples: Iterable[Sample]) -> dict[str, dict[int, int]]:
    found: dict[str, Counter[int]] = defaultdict(Counter)
    per_class = 1 / math.log(STEP)
    for sample in samples:
        took = (sample.done_ns - sample.sent_ns) / NS_PER_MS
        if sample.outcome == "ok" and took > 0:
            found[sample.series][math.ceil(math.log(took) * per_class)] += 1
    return {series: dict(sorted(counts.items())) for series, counts in found.items()}


def _pressure(history: History) -> float | None:
    """The highest share of time in which something waited for a processor, in per cent."""
    seen = (float(event.detail.get("avg10", 0)) for event in history.all("pressure"))
    return max(seen, default=None)


def _s(at_ns: int, zero_ns: int) -> float:
    return round((at_ns - zero_ns) / NS_PER_S, 3)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
