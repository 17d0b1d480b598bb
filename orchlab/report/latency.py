"""How long answers took when nothing was broken: a curve over percentiles, all repetitions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchlab.report.digest import Digest, milliseconds
from orchlab.report.matrix import LABELS, MISSING

EXPERIMENT = "control"
SERIES = {"new": "New connections", "reused": "Reused connections"}
TABLE = (50.0, 90.0, 99.0, 99.9, 100.0)
STEPS = 60
TAIL = 3.0
"""The curve ends at 1 - 10^-3 of the answers: the axis gives each nine the same room."""
TICKS = (50.0, 90.0, 99.0, 99.9)
LEFT, WIDTH = 13.0, 78.0
HEIGHT = 220
LABELS_MS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True)
class Curve:
    """One platform in one variant; ``path`` is in per cent and pixels."""

    label: str
    platform: str
    variant: str
    path: str
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Panel:
    """One series: its curves, and the places of the axes' labels."""

    title: str
    curves: list[Curve]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]

    height = HEIGHT
    columns = tuple("most" if p == 100.0 else f"p{p:g}" for p in TABLE)  # noqa: PLR2004 - all


@dataclass(frozen=True, slots=True)
class _Axis:
    """Milliseconds -> pixels from the top, logarithmic."""

    least: float
    most: float

    def y(self, ms: float) -> float:
        share = math.log(ms / self.least) / math.log(self.most / self.least)
        return round(HEIGHT * (1 - share), 1)


def panels(digests: Iterable[Digest]) -> list[Panel]:
    """A panel for each series, of the experiment in which nothing is broken."""
    found: dict[tuple[str, str, str], Counter[int]] = {}
    for digest in digests:
        for series in SERIES if digest.experiment == EXPERIMENT else ():
            key = series, digest.platform, digest.variant
            found.setdefault(key, Counter()).update(digest.latency.get(series, {}))
    known = {key: counts for key, counts in found.items() if counts}
    if not known:
        return []
    axis = _axis(known.values())
    return [
        _panel(series, {k[1:]: c for k, c in known.items() if k[0] == series}, axis)
        for series in SERIES
    ]


def quantile(counts: Counter[int], percent: float) -> float:
    """Milliseconds within which that many of the answers came, rounded up by 5 % at most."""
    left = max(1, math.ceil(counts.total() * percent / 100))
    for index in sorted(counts):
        left -= counts[index]
        if left <= 0:
            return milliseconds(index)
    raise ValueError("no answer, no latency")


def _axis(all_counts: Iterable[Counter[int]]) -> _Axis:
    ends = [(min(counts), quantile(counts, 100 - 100 * 10**-TAIL)) for counts in all_counts]
    return _Axis(milliseconds(min(low for low, _ in ends) - 1), 1.1 * max(high for _, high in ends))


def _panel(series: str, found: dict[tuple[str, str], Counter[int]], axis: _Axis) -> Panel:
    curves = [
        Curve(
            f"{LABELS.get(platform, platform)}, {variant}",
            platform,
            variant,
            _path(counts, axis),
            [_ms(quantile(counts, percent)) for percent in TABLE],
        )
        for (platform, variant), counts in found.items()
    ]
    x_ticks = [(_x(percent), f"{percent:g} %") for percent in TICKS]
    inside = [ms for ms in LABELS_MS if axis.least <= ms <= axis.most]
    return Panel(SERIES[series], curves, x_ticks, [(axis.y(ms), f"{ms:g} ms") for ms in inside])


def _path(counts: Counter[int], axis: _Axis) -> str:
    """Straight lines through ``STEPS`` quantiles, each nine of the axis in equal steps."""
    percents: Sequence[float] = [100 - 100 * 10 ** (-TAIL * i / STEPS) for i in range(STEPS + 1)]
    points = (f"{_x(percent):g} {axis.y(quantile(counts, percent)):g}" for percent in percents)
    return "M" + "L".join(points)


def _x(percent: float) -> float:
    return round(LEFT - WIDTH * math.log10(1 - percent / 100) / TAIL, 2)


def _ms(value: float | None) -> str:
    return MISSING if value is None else f"{value:.3g} ms"
