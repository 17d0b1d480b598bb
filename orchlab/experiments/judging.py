"""Histories -> findings: one for every cell of a plan, whatever became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from orchlab.experiments.base import Experiment, finding, judged
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.records import Cell, Finding, History

ENDS = ("finished", "unsupported", "broken")
"""The events with which a cell ends; without one of them it was cut off."""


def judge(cells: Iterable[Cell], histories: Iterable[History]) -> list[Finding]:
    """A finding for each cell, in their order."""
    left = {each.cell: each for each in histories}
    return [judge_cell(cell, left.get(cell), EXPERIMENTS[cell.experiment]()) for cell in cells]


def judge_cell(cell: Cell, history: History | None, experiment: Experiment) -> Finding:
    """What one cell says; ``unknown`` unless it came to its end."""
    if history is None:
        why = "never started: see the platform's logs"
        return Finding(
            cell.experiment, cell.platform, cell.variant, "unknown", why, {}, cell.repetition
        )
    if unsupported := history.first("unsupported"):
        return finding(history, "unsupported", unsupported.subject)
    if broken := history.first("broken"):
        return finding(history, "unknown", broken.subject)
    if not complete(history):
        return finding(history, "unknown", "cut off before its end")
    return judged(experiment, history)


def complete(history: History) -> bool:
    """Whether the cell that left it came to its end, well or badly."""
    return any(history.first(kind) for kind in ENDS)
