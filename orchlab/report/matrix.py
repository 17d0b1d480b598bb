"""Findings, knobs and timings as tables of text: a row per question, a column per platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchlab.records import Finding, History, Verdict
from orchlab.results import Run

SYMBOLS: dict[Verdict, str] = {
    "pass": "✓",
    "fail": "✗",
    "limit": "!",
    "unsupported": "-",
    "unknown": "?",
    "void": "∅",
}
UNITS = {"s": "s", "ms": "ms", "us": "µs", "percent": "%", "mib": "MiB", "kib": "KiB"}
MISSING = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """A repetition of an experiment in a variant; a finding, or None, for each platform."""

    experiment: str
    variant: str
    repetition: int
    question: str
    cells: list[Finding | None]


def platforms(run: Run) -> list[str]:
    """Every platform of the run: as planned, then others that left something."""
    probed = [history.platform for history in run.histories]
    judged = [finding.platform for finding in run.findings]
    return list(dict.fromkeys([*run.plan.get("platforms", []), *probed, *judged]))


def rows(run: Run) -> list[Row]:
    """The verdict matrix, in the order of the plan."""
    shown = platforms(run)
    found = {(f.experiment, f.variant, f.repetition, f.platform): f for f in run.findings}
    planned = run.plan.get("experiments", [])
    order = {name: i for i, name in enumerate(planned)}
    keys = sorted(
        dict.fromkeys((f.experiment, f.variant, f.repetition) for f in run.findings),
        key=lambda key: (order.get(key[0], len(order)), key),
    )
    questions = run.plan.get("questions", {})
    return [
        Row(*key, questions.get(key[0], ""), [found.get((*key, p)) for p in shown]) for key in keys
    ]


def histories(run: Run) -> list[History]:
    """The histories experiment by experiment, each in the order of the platforms."""
    shown = platforms(run)
    planned = [*run.plan.get("experiments", []), *(each.experiment for each in run.histories)]
    order = {name: i for i, name in reversed(list(enumerate(planned)))}
    return sorted(
        run.histories,
        key=lambda h: (order[h.experiment], h.variant, h.repetition, shown.index(h.platform)),
    )


def value_lines(finding: Finding) -> list[str]:
    """A line per value, its unit behind the number: ``recovered 0.4 s``."""
    return [f"{name} {value}" for name, value in map(_split, finding.values.items())]


def _split(item: tuple[str, float | int | str]) -> tuple[str, str]:
    name, value = item
    stem, _, suffix = name.rpartition("_")
    shown = f"{value:g}" if isinstance(value, int | float) else value
    if stem and suffix in UNITS:
        return stem.replace("_", " "), f"{shown} {UNITS[suffix]}"
    return name.replace("_", " "), shown


def places(run: Run) -> list[tuple[str, str]]:
    """Every platform and variant of which the facts are known, platforms in their order."""
    return sorted(run.facts, key=lambda place: (platforms(run).index(place[0]), place[1]))


def columns(run: Run) -> list[str]:
    """A name for each of ``places``."""
    return [f"{platform}, {variant}" for platform, variant in places(run)]


def knobs(run: Run) -> list[tuple[str, list[str]]]:
    """Every knob and timer in force, and its value in each of ``places``."""
    return union([run.facts[place].knobs for place in places(run)])


def versions(run: Run) -> list[tuple[str, list[str]]]:
    """Every program's version in each of ``places``."""
    return union([run.facts[place].versions for place in places(run)])


def timings(run: Run) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Column names and rows of the seconds that the run's own steps took."""
    names = list(dict.fromkeys([*platforms(run), *run.timings]))
    shown = [
        {step: f"{seconds:.1f} s" for step, seconds in run.timings.get(name, {}).items()}
        for name in names
    ]
    return [name or "all" for name in names], union(shown)


def union(columns: Iterable[Mapping[str, str]]) -> list[tuple[str, list[str]]]:
    """Rows over all keys of several mappings, a dash where one has no such key."""
    given = list(columns)
    names = dict.fromkeys(name for column in given for name in column)
    return [(name, [column.get(name, MISSING) for column in given]) for name in names]
