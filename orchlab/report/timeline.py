"""A digest as a drawing: a lane per series and entry node, outages, marks, platform events.

Places along the time axis are per cent of the drawing's width, so that a drawing fits any
screen without its text being scaled; inside the lanes they are milliseconds, which the page's
script zooms by changing one view box. A success is a low bar, a partly failed tenth of a
second a middle one, a fully failed one a full bar: the height says what the colour says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from orchlab.records import Finding
from orchlab.report.digest import STATES, Bounds, Digest, Lane, Moment
from orchlab.report.numbers import AGAIN, NAMES, RECOVERED, Point, point

HEADER = 20
GAP = 6
LABEL = 15
BAR = 14
STEP = LABEL + BAR + 5
AXIS = 20
HEIGHTS = {"ok": 4, "info": 4, "mixed": 9, "fail": BAR}
MOST_TICKS = 5
STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200)
RIGHT = 60.0
"""Per cent from which on a label stands left of its place."""
EDGE = 4.0
"""Per cent at both ends where no tick is labelled."""
MOST_BOUNDS = 40
"""Outages of a lane whose bounds are drawn: the longest. The table counts all of them."""
SHAPES = {
    "fault": "M-6-10h12l-6 10z",
    "ready": "M-6 0h12l-6-10z",
    "platform": "M0-11l5 5.5-5 5.5-5-5.5z",
    "": "M-1.5-11h3v11h-3z",
}
"""Kind of event -> its sign, as the path of an SVG; its foot is at 0, 0."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Seconds from the fault -> per cent of the width."""

    start_s: float
    end_s: float

    def x(self, at_s: float) -> float:
        """The place of a moment; the edge for one that lies outside."""
        share = (at_s - self.start_s) / (self.end_s - self.start_s)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def ticks(self) -> list[tuple[float, float, str]]:
        """Place, second and label of round numbers; at the very edges a label would be cut."""
        span = self.end_s - self.start_s
        step = next((s for s in STEPS_S if span / s <= MOST_TICKS), STEPS_S[-1])
        numbers = range(-int(-self.start_s // step), int(self.end_s // step) + 1)
        found = [(self.x(n * step), float(n * step), f"{n * step} s") for n in numbers]
        return [each for each in found if EDGE <= each[0] <= 100 - EDGE]


@dataclass(frozen=True, slots=True)
class Track:
    """A lane as it is drawn: what it is called and says, and a path for each state."""

    label: str
    says: str
    y: int
    paths: list[tuple[str, str]]
    lane: Lane

    @property
    def outages(self) -> str:
        """The longest outages, with bounds."""
        longest = sorted(self.lane.outages, key=_length, reverse=True)[:4]
        texts = [_bounds_text(each) for each in sorted(longest)]
        more = len(self.lane.outages) - len(longest)
        return "; ".join(texts) + (f"; {more} shorter ones" if more else "") or "none"

    @property
    def causes(self) -> str:
        """What the failures were."""
        return ", ".join(f"{n} {cause}" for cause, n in self.lane.causes.items()) or "none"


@dataclass(frozen=True, slots=True)
class Sign:
    """An event on the axis."""

    x: float
    moment: Moment
    shape: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """From the fault to a recovery; ``open`` when that was not seen."""

    name: str
    x: float
    width: float
    end_s: float
    y: int
    text: str
    open: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that is drawn of one repetition on one platform, from second to second."""

    digest: Digest
    start_s: float
    end_s: float
    verdict: str
    says: str
    tracks: list[Track]
    stretches: list[Stretch]
    signs: list[Sign]
    platform_signs: list[Sign]
    ticks: list[tuple[float, float, str]]
    zero_x: float
    lanes_y: int
    signs_y: int
    height: int

    bar = BAR
    right = RIGHT


def timeline(digest: Digest, finding: Finding | None, window: tuple[float, float]) -> Timeline:
    """Draw a digest on a time axis from the first to the second end of ``window``."""
    axis = Axis(*window)
    stretches = _stretches(axis, digest, finding)
    lanes_y = HEADER * (1 + len(stretches)) + GAP
    signs_y = lanes_y + STEP * len(digest.lanes)
    inside = [each for each in digest.moments if window[0] <= each.at_s <= window[1]]
    signs = [Sign(axis.x(each.at_s), each, _shape(each)) for each in inside]
    return Timeline(
        digest,
        *window,
        finding.verdict if finding else "",
        _says(digest, stretches),
        _tracks(digest),
        stretches,
        [each for each in signs if each.moment.kind != "platform"],
        [each for each in signs if each.moment.kind == "platform"],
        axis.ticks(),
        axis.x(0.0),
        lanes_y,
        signs_y,
        signs_y + 2 * (LABEL + BAR) + AXIS,
    )


def _shape(moment: Moment) -> str:
    return SHAPES.get(moment.kind, SHAPES[""])


def _tracks(digest: Digest) -> list[Track]:
    shared = _shared([lane.entry for lane in digest.lanes if lane.series != "control"])
    return [
        Track(
            _label(lane, shared),
            f"{lane.failed} of {lane.total} failed",
            number * STEP,
            _paths(lane, digest, number * STEP + LABEL),
            lane,
        )
        for number, lane in enumerate(digest.lanes)
    ]


def _shared(entries: Sequence[str]) -> str:
    """What the names of all nodes begin with: the lab's name; it need not be repeated."""
    return _common(min(entries), max(entries)) if len(set(entries)) > 1 else ""


def _common(first: str, last: str) -> str:
    """What two names share, up to a dash; all names between them share it too."""
    pairs = zip(first, last, strict=False)
    same = [a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    return "".join(same).rpartition("-")[0]


def _label(lane: Lane, shared: str) -> str:
    if lane.series == "control":
        return "control server"
    return f"{lane.series} · {lane.entry.removeprefix(shared).lstrip('-')}"


def _paths(lane: Lane, digest: Digest, y: int) -> list[tuple[str, str]]:
    """A path for each state that occurs, and one for the bounds of outages."""
    paths = []
    for number, state in enumerate(STATES):
        height = HEIGHTS[state]
        spans = [(a, b) for a, b, which in lane.spans if which == number]
        if spans:
            paths.append((state, "".join(_box(a, b, y + BAR - height, height) for a, b in spans)))
    bounds = sorted(lane.outages, key=_length, reverse=True)[:MOST_BOUNDS]
    if bounds:
        whiskers = ((_first(each, digest), _last(each, digest)) for each in bounds)
        paths.append(("bounds", "".join(_line(a, b, y - 1) for a, b in whiskers)))
    return paths


def _box(start_s: float, end_s: float, y: int, height: int) -> str:
    width = round((end_s - start_s) * 1000)
    return f"M{start_s * 1000:.0f} {y}h{width}v{height}h-{width}z"


def _line(start_s: float, end_s: float, y: int) -> str:
    return f"M{start_s * 1000:.0f} {y}H{end_s * 1000:.0f}"


def _first(outage: Bounds, digest: Digest) -> float:
    return digest.start_s if outage[2] is None else outage[2]


def _last(outage: Bounds, digest: Digest) -> float:
    return digest.end_s if outage[3] is None else outage[3]


def _length(outage: Bounds) -> float:
    return outage[1] - outage[0]


def _bounds_text(outage: Bounds) -> str:
    """When it began, how long it lasted at least, and at most."""
    first, last, good, again = outage
    most = "open" if good is None or again is None else f"{again - good:.2f} s"
    return f"at {first:.2f} s: {last - first:.2f} s to {most}"


def _stretches(axis: Axis, digest: Digest, finding: Finding | None) -> list[Stretch]:
    if finding is None or digest.first("fault") is None:
        return []
    found = ((NAMES[key], point(finding.values[key])) for key in NAMES if key in finding.values)
    noticed = any(lane.failed for lane in digest.lanes) and AGAIN not in finding.values
    known = [
        (name, value)
        for name, value in found
        if value is not None and (noticed or name != NAMES[RECOVERED])
    ]
    return [_stretch(axis, name, value, HEADER * n) for n, (name, value) in enumerate(known, 1)]


def _stretch(axis: Axis, name: str, value: Point, y: int) -> Stretch:
    x, end = axis.x(0.0), axis.x(value.value)
    text = f"not within {value.value:g} s" if value.censored else f"after {value.value:g} s"
    return Stretch(
        name, x, round(end - x, 2), value.value, y, f"{name} {text}", open=value.censored
    )


def _says(digest: Digest, stretches: Sequence[Stretch]) -> str:
    """One line: what happened to the clients."""
    app = [lane for lane in digest.lanes if lane.series != "control"]
    failed, total = sum(lane.failed for lane in app), sum(lane.total for lane in app)
    return "; ".join([f"{failed} of {total} requests failed", *(each.text for each in stretches)])
