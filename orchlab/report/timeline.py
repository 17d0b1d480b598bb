"""A history as a drawing: one lane per series and entry, failures, event marks.

Coordinates are those of an SVG view box, so that the template only prints them.
A success is a low bar, a partly failed tenth of a second a middle one, a fully
failed one a full bar: the height says what the colour says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from orchlab import metrics, outages
from orchlab.outages import BIN_NS, NS_PER_S
from orchlab.records import Event, History, Sample

LABEL_WIDTH = 240.0
"""Room for the longest lane: "reused" and the name of a control plane in a lab of its own."""
WIDTH = 1000.0
LANE_HEIGHT = 18.0
LANE_STEP = 26.0
MARK_STEP = 14.0
MARK_ROWS = 3
CHARACTER = 6.4
"""Width of a character of a mark's label; overlapping labels go to the next row."""
THINNEST = 1.5
TICKS = 8
STEPS_S = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
HIDDEN = {"pressure", "probe-start", "probe-stop", "finished", "platform"}
SERIES = ("new", "reused", "control")


@dataclass(frozen=True, slots=True)
class Bar:
    """Consecutive bins in one state: ``ok``, ``mixed``, ``fail`` or ``info``."""

    x: float
    width: float
    state: str
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """All samples of one series at one entry, drawn and in numbers."""

    series: str
    entry: str
    y: float
    bars: list[Bar]
    tally: metrics.Tally
    outages: str
    p50: str
    p99: str

    @property
    def label(self) -> str:
        """Series and entry."""
        return self.series if self.series == self.entry else f"{self.series} · {self.entry}"


@dataclass(frozen=True, slots=True)
class Mark:
    """An event at ``x``; its label stands in row ``y``, left of ``x`` near the right edge."""

    x: float
    y: float
    kind: str
    label: str
    seconds: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that is drawn of one experiment on one platform."""

    title: str
    slug: str
    lanes: list[Lane]
    marks: list[Mark]
    ticks: list[tuple[float, str]]
    height: float
    top: float
    zero: str
    pressure: str

    width = WIDTH
    lane_height = LANE_HEIGHT


@dataclass(frozen=True, slots=True)
class Axis:
    """Monotonic nanoseconds -> x; seconds are counted from ``zero_ns``."""

    start_ns: int
    end_ns: int
    zero_ns: int

    def x(self, at_ns: float) -> float:
        """The place of a moment."""
        share = (at_ns - self.start_ns) / (self.end_ns - self.start_ns)
        return round(LABEL_WIDTH + share * (WIDTH - LABEL_WIDTH), 1)

    def seconds(self, at_ns: float) -> float:
        """A moment in seconds after zero."""
        return (at_ns - self.zero_ns) / NS_PER_S

    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers of seconds and their places."""
        span = (self.end_ns - self.start_ns) / NS_PER_S
        step = next((s for s in STEPS_S if span / s <= TICKS), STEPS_S[-1])
        first = -int(-self.seconds(self.start_ns) // step)
        last = int(self.seconds(self.end_ns) // step)
        return [
            (self.x(self.zero_ns + n * step * NS_PER_S), f"{n * step} s")
            for n in range(first, last + 1)
        ]


def timeline(history: History) -> Timeline | None:
    """Draw a history; None when nothing was probed."""
    if not history.samples:
        return None
    events = sorted((e for e in history.events if e.kind not in HIDDEN), key=lambda e: e.at_ns)
    axis = _axis(history, events)
    marks = _marks(axis, events)
    top = max((mark.y for mark in marks), default=0.0) + MARK_STEP / 2
    lanes = _lanes(axis, history.samples, top)
    again = f" #{history.repetition}" if history.repetition > 1 else ""
    place = f"{history.platform} ({history.variant}){again}"
    return Timeline(
        title=f"{history.experiment} on {place}",
        slug=str(history.cell).replace("/", "-").replace(" #", "-"),
        lanes=lanes,
        marks=marks,
        ticks=axis.ticks(),
        height=top + len(lanes) * LANE_STEP + 20,
        top=top,
        zero="the fault" if history.first("fault") else "the first request",
        pressure=_pressure(history),
    )


def _axis(history: History, events: list[Event]) -> Axis:
    sent = [sample.sent_ns for sample in history.samples]
    moments = [event.at_ns for event in events]
    fault = history.first("fault")
    start = min(sent + moments)
    end = max(sent + moments) + BIN_NS
    return Axis(start, end, fault.at_ns if fault else min(sent))


def _lanes(axis: Axis, samples: list[Sample], top: float) -> list[Lane]:
    grouped: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        grouped[sample.series, sample.entry].append(sample)
    keys = sorted(grouped, key=lambda key: (SERIES.index(key[0]), key[1]))
    return [
        _lane(axis, key, outages.in_order(grouped[key]), top + i * LANE_STEP)
        for i, key in enumerate(keys)
    ]


def _lane(axis: Axis, key: tuple[str, str], samples: list[Sample], y: float) -> Lane:
    found = outages.outages(samples)
    return Lane(
        series=key[0],
        entry=key[1],
        y=y,
        bars=_bars(axis, samples),
        tally=metrics.tally(samples),
        outages=_spans(axis, [(o.first_fail_ns, o.last_fail_ns) for o in found]),
        p50=_ms(metrics.latency_ms(samples, 50)),
        p99=_ms(metrics.latency_ms(samples, 99)),
    )


def _bars(axis: Axis, samples: list[Sample]) -> list[Bar]:
    """Bins of 100 ms, equal neighbours joined; a bin without a sample doesn't end a bar."""
    bins: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        bins[(sample.sent_ns - axis.start_ns) // BIN_NS].append(sample)
    states = [(number, _state(inside), inside) for number, inside in sorted(bins.items())]
    joined = [list(same) for _, same in groupby(states, key=lambda state: state[1])]
    return [_bar(axis, same) for same in joined]


def _bar(axis: Axis, same: list[tuple[int, str, list[Sample]]]) -> Bar:
    first = axis.start_ns + same[0][0] * BIN_NS
    last = axis.start_ns + (same[-1][0] + 1) * BIN_NS
    inside = [sample for _, _, samples in same for sample in samples]
    bad = [sample for sample in inside if sample.outcome == "fail"]
    causes = ", ".join(sorted({sample.error or f"status {sample.status}" for sample in bad}))
    title = (
        f"{axis.seconds(first):.1f} to {axis.seconds(last):.1f} s: "
        f"{len(bad)} of {len(inside)} failed{': ' if causes else ''}{causes}"
    )
    x = axis.x(first)
    # The end of a bar is drawn where the last bin ends, but never too thin to be seen.
    width = max(axis.x(min(last, axis.end_ns)) - x, THINNEST)
    return Bar(x, round(width, 1), same[0][1], title)


def _state(samples: list[Sample]) -> str:
    outcomes = {sample.outcome for sample in samples}
    if "fail" in outcomes:
        return "mixed" if "ok" in outcomes else "fail"
    return "ok" if "ok" in outcomes else "info"


def _marks(axis: Axis, events: Iterable[Event]) -> list[Mark]:
    """Place labels in rows: the first that is free, else the last."""
    ends = [0.0] * MARK_ROWS
    marks = []
    for event in events:
        x = axis.x(event.at_ns)
        label = event.subject if event.kind == "window" else event.kind
        width = len(label) * CHARACTER
        left = x if x + width < WIDTH else x - width
        row = next((n for n, end in enumerate(ends) if end <= left), MARK_ROWS - 1)
        ends[row] = left + width + CHARACTER
        anchor = "start" if left == x else "end"
        y = (row + 1) * MARK_STEP
        marks.append(Mark(x, y, event.kind, label, axis.seconds(event.at_ns), anchor))
    return marks


def _spans(axis: Axis, spans: list[tuple[int, int]], most: int = 4) -> str:
    shown = [f"{axis.seconds(a):.2f} to {axis.seconds(b):.2f} s" for a, b in spans[:most]]
    rest = [f"and {len(spans) - most} more"] if len(spans) > most else []
    return ", ".join(shown + rest) or "none"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _pressure(history: History) -> str:
    seen = [float(event.detail.get("avg10", 0)) for event in history.all("pressure")]
    return f"{max(seen):.0f} %" if seen else "not told by this kernel"
