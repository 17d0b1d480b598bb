"""A figure: two sides, measured in turns, and the limit that is promised for their ratio."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal

from orchlab.images.store import ImageStore


@dataclass(frozen=True, slots=True)
class Promise:
    """The limit of a ratio, itself included."""

    direction: Literal["at most", "at least"]
    limit: float

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is within the limit."""
        return ratio <= self.limit if self.direction == "at most" else ratio >= self.limit

    def __str__(self) -> str:
        return f"{self.direction} {self.limit:.2f}"


@dataclass(frozen=True, slots=True)
class Reading:
    """One side measured once; ``detail`` is JSON-ready and says how the value came about."""

    value: float
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides measured one after the other."""

    ours: Reading
    other: Reading

    @property
    def ratio(self) -> float:
        """Our side as a multiple of the other."""
        return self.ours.value / self.other.value


@dataclass(frozen=True, slots=True)
class Sides:
    """How each side is measured, and ``knobs``: what was in force while that was done."""

    ours: Callable[[], Reading]
    other: Callable[[], Reading]
    knobs: dict[str, str]


@dataclass(frozen=True, slots=True)
class Figure:
    """What is promised: the ratio of ``ours`` to ``other``, both in ``unit``.

    ``prepare`` gives the sides, warm, and takes away what they needed. A figure that
    is ``fixed`` comes out the same each time and is measured once. ``require`` raises
    ``OrchlabError``, before any figure is measured, where this one cannot be.
    """

    name: str
    ours: str
    other: str
    unit: str
    promise: Promise
    prepare: Callable[[ImageStore], AbstractContextManager[Sides]]
    fixed: bool = False
    require: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A figure as it was measured: at least one pair."""

    pairs: Sequence[Pair]
    knobs: dict[str, str]

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios: one disturbed pair does not move it."""
        return median(self.ratios)

    @property
    def ratios(self) -> list[float]:
        """Of each pair, as measured."""
        return [pair.ratio for pair in self.pairs]

    def row(self) -> dict[str, Any]:
        """JSON-ready, raw readings included."""
        pairs = [asdict(pair) | {"ratio": pair.ratio} for pair in self.pairs]
        return {"ratio": self.ratio, "knobs": self.knobs, "pairs": pairs}


def alternate(sides: Sides, repeats: int) -> Iterator[Pair]:
    """Measure ``repeats`` pairs in the order A B, B A, A B, ..."""
    for number in range(repeats):
        if number % 2 == 0:
            ours = sides.ours()
            other = sides.other()
        else:
            other = sides.other()
            ours = sides.ours()
        yield Pair(ours, other)
