"""Two runs side by side: what changed beyond noise. Pure.

Of a number only its range over the repetitions is compared. Where the ranges of two runs
do not overlap, something changed - or chance put them apart, which is the less likely the
more repetitions there are (``by_chance``). One sample has no range, so it supports no claim.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orchlab.records import Finding

Value = float | int | str
Bounds = tuple[float, float]

NUMBER = r"(\d+(?:\.\d+)?)"
SHAPES = {
    "censored": re.compile(rf">=? ?{NUMBER}"),
    "between": re.compile(rf"{NUMBER} ?- ?{NUMBER}( %)?"),
    "share": re.compile(r"(\d+)/(\d+)( \(.*\))?"),
}
"""How a number is put where it is more than one number."""

PROVES_NOTHING = ("unknown", "void", "unsupported")
FEWEST = 2
"""Repetitions without which there is no range."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same in both runs, as text.

    ``by_chance``: how likely such a difference is (0..1) if nothing changed; None for a
    verdict. ``claim``: whether there are enough samples to say that it changed.
    """

    place: tuple[str, str, str]
    what: str
    before: str
    after: str
    claim: bool
    by_chance: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences; ``expected`` of those in numbers are due to chance alone."""

    differences: list[Difference]
    compared: int
    expected: float


def compare(before: Iterable[Finding], after: Iterable[Finding]) -> Comparison:
    """Differences of verdicts, then of numbers, in the order of the first run.

    What only one of the runs asked is left out.
    """
    old, new = _by_place(before), _by_place(after)
    both = [place for place in old if place in new]
    verdicts = [each for place in both if (each := _verdicts(place, old[place], new[place]))]
    numbers = [pair for place in both for pair in _pairs(place, old[place], new[place])]
    changed = [each for pair in numbers if (each := pair.difference())]
    expected = sum(pair.by_chance for pair in numbers if pair.claim)
    return Comparison(verdicts + changed, sum(pair.claim for pair in numbers), expected)


def bounds(value: Value) -> Bounds | None:
    """The least and the most that a value may be; None for words.

    A censored value may be anything from there on; failed of all requests are per cent.
    """
    if not isinstance(value, str):
        return float(value), float(value)
    if found := SHAPES["censored"].fullmatch(value):
        return float(found[1]), math.inf
    if found := SHAPES["between"].fullmatch(value):
        return float(found[1]), float(found[2])
    if (found := SHAPES["share"].fullmatch(value)) and int(found[2]):
        share = 100 * int(found[1]) / int(found[2])
        return share, share
    return None


@dataclass(frozen=True, slots=True)
class _Pair:
    """One number in both runs."""

    place: tuple[str, str, str]
    name: str
    before: Sequence[Bounds]
    after: Sequence[Bounds]

    @property
    def claim(self) -> bool:
        return min(len(self.before), len(self.after)) >= FEWEST

    @property
    def by_chance(self) -> float:
        """Of all orders of equal samples, those in which each run's stand together."""
        return 2 / math.comb(len(self.before) + len(self.after), len(self.before))

    def difference(self) -> Difference | None:
        old, new = _range(self.before), _range(self.after)
        if old[0] <= new[1] and new[0] <= old[1]:
            return None
        shown = _shown(old, len(self.before)), _shown(new, len(self.after))
        return Difference(self.place, self.name, *shown, self.claim, self.by_chance)


def _by_place(findings: Iterable[Finding]) -> dict[tuple[str, str, str], list[Finding]]:
    found = defaultdict(list)
    for each in findings:
        found[each.platform, each.variant, each.experiment].append(each)
    return found


def _verdicts(
    place: tuple[str, str, str], old: list[Finding], new: list[Finding]
) -> Difference | None:
    before, after = (Counter(each.verdict for each in side) for side in (old, new))
    if set(before) == set(after):
        return None
    words = [", ".join(f"{n} {verdict}" for verdict, n in side.items()) for side in (before, after)]
    return Difference(place, "verdict", words[0], words[1], claim=True)


def _pairs(place: tuple[str, str, str], old: list[Finding], new: list[Finding]) -> Iterator[_Pair]:
    before, after = _numbers(old), _numbers(new)
    return (_Pair(place, name, before[name], after[name]) for name in before if name in after)


def _numbers(findings: list[Finding]) -> dict[str, list[Bounds]]:
    found = defaultdict(list)
    for each in findings:
        if each.verdict not in PROVES_NOTHING:
            for name, value in each.values.items():
                if (number := bounds(value)) is not None:
                    found[name].append(number)
    return found


def _range(samples: Sequence[Bounds]) -> Bounds:
    return min(least for least, _ in samples), max(most for _, most in samples)


def _shown(found: Bounds, count: int) -> str:
    least, most = found
    if least == most:
        text = f"{least:g}"
    else:
        text = f">= {least:g}" if math.isinf(most) else f"{least:g} - {most:g}"
    return f"{text} (n = {count})"
