"""Figures as tables: in the terminal, and as the page ``docs/figures.md``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import median

from orchlab.bench.figure import Figure, Outcome
from orchlab.bench.figures import FIGURES
from orchlab.paths import ROOT

HEADER = ("figure", "ours", "other", "ratio", "all pairs", "promised", "")
INTRODUCTION = """\
# Figures

What the lab and the app cost, as `invoke bench` measured it on {when}. A ratio is the
median of the ratios of pairs that were measured in turns, ours against the other; what ours
and other are stands below. Absolute values belong to the machine below, ratios much less so.
"""
Knob = tuple[str, str, str]
"""Figure (``all`` for the machine), what, and what was in force."""


def rows(found: Mapping[str, Outcome]) -> list[tuple[str, ...]]:
    """A line per figure: how much, and whether the promise held."""
    return [_row(FIGURES[name], each) for name, each in found.items()]


def knobs(found: Mapping[str, Outcome], machine: Mapping[str, str]) -> list[Knob]:
    """What was compared with what, and what was in force."""
    each = [(name, *knob) for name, one in found.items() for knob in _knobs(FIGURES[name], one)]
    return [*each, *(("all", *knob) for knob in machine.items())]


def page(found: Mapping[str, Outcome], machine: Mapping[str, str], when: date) -> str:
    """Both tables as Markdown, with paths as they are from the checkout and in a user's home."""
    parts = [
        INTRODUCTION.format(when=f"{when:%Y-%m-%d}"),
        _markdown(HEADER, rows(found)),
        "## What was measured, and how\n",
        _markdown(("figure", "what", "in force"), knobs(found, machine)),
    ]
    return "\n".join(parts).replace(f"{ROOT}/", "").replace(str(Path.home()), "~")


def _row(figure: Figure, outcome: Outcome) -> tuple[str, ...]:
    ours = median(pair.ours.value for pair in outcome.pairs)
    other = median(pair.other.value for pair in outcome.pairs)
    return (
        figure.name,
        f"{ours:.4g} {figure.unit}",
        f"{other:.4g} {figure.unit}",
        f"{outcome.ratio:.3f}",
        _spread(outcome.ratios),
        str(figure.promise),
        "held" if figure.promise.holds(outcome.ratio) else "broken",
    )


def _spread(ratios: Sequence[float]) -> str:
    return f"{min(ratios):.3f} - {max(ratios):.3f}, n = {len(ratios)}"


def _knobs(figure: Figure, outcome: Outcome) -> list[tuple[str, str]]:
    return [("ours", figure.ours), ("other", figure.other), *outcome.knobs.items()]


def _markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    def table() -> Iterator[str]:
        yield "| " + " | ".join(header) + " |"
        yield "|" + " --- |" * len(header)
        for cells in lines:
            yield "| " + " | ".join(map(_cell, cells)) + " |"

    return "\n".join(table()) + "\n"


def _cell(text: str) -> str:
    """On one line, and without what would end the cell."""
    return "<br>".join(text.splitlines()).replace("|", "\\|")
