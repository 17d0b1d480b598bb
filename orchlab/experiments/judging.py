"""Histories -> findings: one for every cell of a plan, whatever became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from orchlab.experiments.base import Experiment, finding, judged
from orchlab.experiments.control import CONTROL
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.records import Cell, Finding, History

ENDS = ("finished", "unsupported", "broken")
"""The events with which a cell ends; without one of them it was cut off."""


def judge(cells: Iterable[Cell], histories: Iterable[History]) -> list[Finding]:
    """A finding for each cell, in their order.

    Where requests are lost although nothing is wrong, what probing says about a fault in
    the same block proves nothing.
    """
    planned = list(cells)
    answered: dict[Cell, Finding] = {}
    probed: set[Cell] = set()
    for history in histories:  # one after the other: all of a full run would fill the memory
        if history.cell in planned:
            answered[history.cell] = _judge(history.cell, history)
            probed |= {history.cell} if history.samples else set()
    found = [answered.get(cell) or _judge(cell, None) for cell in planned]
    failed = {_block(each): each for each in found if _is_control(each) and each.verdict == "fail"}
    return [
        _void(each, failed[_block(each)])
        if _block(each) in failed and each.cell in probed and not _is_control(each)
        else each
        for each in found
    ]


def _void(answer: Finding, control: Finding) -> Finding:
    return replace(answer, verdict="void", summary=f"experiment 0 failed: {control.summary}")


def _block(answer: Finding) -> tuple[str, str, int]:
    """What is measured on the same deployment."""
    return answer.platform, answer.variant, answer.repetition


def _is_control(answer: Finding) -> bool:
    return answer.experiment == CONTROL


def _judge(cell: Cell, history: History | None) -> Finding:
    return judge_cell(cell, history, EXPERIMENTS[cell.experiment]())


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
