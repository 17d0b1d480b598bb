"""The values of all repetitions of one answer, as text: never a mean.

Failed requests are counted together, so that the bound is one of all requests. Seconds
are given as the median with the least and the most; a censored one ("> 120") was not
reached, so it takes part in no arithmetic and is named beside them.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchlab.metrics import Tally
from orchlab.records import Finding, Verdict

Value = float | int | str
UNITS = {
    "gbit_per_s": "Gbit/s",
    "s": "s",
    "ms": "ms",
    "us": "µs",
    "percent": "%",
    "mib": "MiB",
    "kib": "KiB",
}
"""The end of a value's name -> its unit; an end that ends in another one stands before it."""
RECOVERED, DISTURBED, AGAIN = "recovered_s", "disturbed_s", "failed_after_recovery"
CAPACITY = "capacity_s"
NAMES = {RECOVERED: "clients back", CAPACITY: "capacity back"}
_TALLY = re.compile(r"(\d+)/(\d+)(?: \(<.*\))?")
_CENSORED = re.compile(r">=? ?([\d.]+)")


@dataclass(frozen=True, slots=True)
class Point:
    """One repetition's value.

    ``censored``: it was not reached within ``value``. ``again``: clients were back then, and
    failed once more later.
    """

    value: float
    censored: bool = False
    again: bool = False


def point(value: Value) -> Point | None:
    """A number, or a censored one; None for other text."""
    if isinstance(value, int | float):
        return Point(float(value))
    match = _CENSORED.fullmatch(value)
    return Point(float(match.group(1)), censored=True) if match else None


def points(findings: Iterable[Finding], name: str) -> list[Point]:
    """That value of every repetition that has it."""
    values = (
        (point(each.values[name]), name == RECOVERED and AGAIN in each.values)
        for each in findings
        if name in each.values
    )
    return [replace(each, again=again) for each, again in values if each is not None]


def lost(findings: Iterable[Finding]) -> Tally | None:
    """Failed and all requests, over new and reused connections and all repetitions."""
    texts = (
        str(value)
        for each in findings
        for name, value in each.values.items()
        if name in ("failed_new", "failed_reused")
    )
    return _sum(list(texts))


def lines(findings: Sequence[Finding]) -> list[str]:
    """A line per value: its name, and all repetitions of it with their unit."""
    names = dict.fromkeys(name for each in findings for name in each.values)
    return [
        f"{_name(name)} {_together(name, [f.values[name] for f in findings if name in f.values])}"
        for name in names
    ]


def spread(values: Sequence[Point], unit: str) -> str:
    """``1.1 s`` of one; ``1.1 s (0.9 to 2.3)`` of several; censored ones beside them."""
    reached = sorted(each.value for each in values if not each.censored)
    missed = [each.value for each in values if each.censored]
    parts = []
    if reached:
        ends = f" ({reached[0]:.3g} to {reached[-1]:.3g})" if len(reached) > 1 else ""
        parts.append(f"{statistics.median_low(reached):.3g} {unit}".rstrip() + ends)
    if missed:
        often = f" in {len(missed)} of {len(values)}" if len(values) > 1 else ""
        parts.append(f"> {min(missed):.3g} {unit}".rstrip() + often)
    return ", ".join(parts)


def _together(name: str, values: Sequence[Value]) -> str:
    _, unit = _parts(name)
    tally = _sum([str(value) for value in values])
    if tally is not None:
        return str(tally)
    numbers = [point(value) for value in values]
    known = [each for each in numbers if each is not None]
    if len(known) == len(values):
        return spread(known, unit)
    return "; ".join(dict.fromkeys(f"{value} {unit}".strip() for value in values))


def _name(name: str) -> str:
    return NAMES.get(name, _parts(name)[0].replace("_", " "))


def _parts(name: str) -> tuple[str, str]:
    """A value's name without its unit, and the unit."""
    ends = (end for end in UNITS if name.endswith(f"_{end}"))
    end = next(ends, "")
    return name.removesuffix(f"_{end}"), UNITS.get(end, "")


def _sum(texts: Sequence[str]) -> Tally | None:
    matches = [_TALLY.fullmatch(text) for text in texts]
    if not matches or not all(matches):
        return None
    pairs = [(int(match[1]), int(match[2])) for match in matches if match]
    return Tally(sum(failed for failed, _ in pairs), sum(total for _, total in pairs))


def counted(verdicts: Mapping[Verdict, int]) -> str:
    """``5 pass, 1 void``."""
    return ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())
