"""Every repetition as a point: when clients, and when all replicas, were back.

The scale is the same for all experiments, and logarithmic above a tenth of a second: what
lasts half a second and what lasts five minutes must both be seen. A value that was not
reached within the window is an open mark at the window, and takes part in nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchlab.report.matrix import LABELS, Row
from orchlab.report.numbers import NAMES, Point, points, spread

LINEAR_S = 0.1
"""Below it the scale is nearly linear, so that 0 has a place."""
LEFT, WIDTH = 2.0, 92.0
TICKS_S = (0.0, 0.1, 1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Dot:
    """One repetition."""

    x: float
    point: Point


@dataclass(frozen=True, slots=True)
class Line:
    """All repetitions on one platform in one variant."""

    label: str
    platform: str
    dots: list[Dot]
    says: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One metric of one experiment, a line for each platform and variant."""

    title: str
    lines: list[Line]
    ticks: list[tuple[float, str]]

    @property
    def censored(self) -> bool:
        """Whether a value was not reached."""
        return any(dot.point.censored for line in self.lines for dot in line.dots)

    @property
    def again(self) -> bool:
        """Whether clients failed once more after they were back."""
        return any(dot.point.again for line in self.lines for dot in line.dots)


@dataclass(frozen=True, slots=True)
class Scale:
    """Seconds -> per cent of the width; ``most`` is the largest value of all."""

    most: float

    def x(self, seconds: float) -> float:
        """The place of a duration."""
        share = math.log1p(seconds / LINEAR_S) / math.log1p(self.most / LINEAR_S)
        return round(LEFT + WIDTH * share, 2)

    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers of seconds that lie on it."""
        return [
            (self.x(each), f"{each:g} s" if each else "0") for each in TICKS_S if each <= self.most
        ]


def strips(rows: Mapping[str, Sequence[Row]], platforms: Sequence[str]) -> dict[str, list[Strip]]:
    """Experiment -> a strip for each metric that it has."""
    by_name: dict[str, list[Row]] = {}
    for row in (row for group in rows.values() for row in group):
        by_name.setdefault(row.experiment, []).append(row)
    scale = Scale(max([10.0, *(each.value for each in _all(by_name.values()))]))
    made = {
        name: [_strip(key, found, platforms, scale) for key in NAMES]
        for name, found in by_name.items()
    }
    return {name: [strip for strip in group if strip.lines] for name, group in made.items()}


def _all(groups: Iterable[Sequence[Row]]) -> Iterable[Point]:
    answers = (a for rows in groups for row in rows for a in row.answers if a)
    return (p for answer in answers for key in NAMES for p in points(answer.valid, key))


def _strip(key: str, rows: Sequence[Row], platforms: Sequence[str], scale: Scale) -> Strip:
    found = [
        (platform, row.variant, points(answer.valid, key))
        for i, platform in enumerate(platforms)
        for row in rows
        if (answer := row.answers[i])
    ]
    lines = [
        Line(
            f"{LABELS.get(platform, platform)}, {variant}",
            platform,
            [Dot(scale.x(each.value), each) for each in seen],
            spread(seen, "s"),
        )
        for platform, variant, seen in found
        if seen
    ]
    return Strip(NAMES[key], lines, scale.ticks())
