"""The findings on the terminal: numbers, and beside them the knobs in force."""

from __future__ import annotations

from rich.markup import escape

from orchlab import console
from orchlab.records import Verdict
from orchlab.report import matrix
from orchlab.results import Run

COLOURS: dict[Verdict, str] = {
    "pass": "green",
    "fail": "bold red",
    "limit": "yellow",
    "unsupported": "dim",
    "unknown": "magenta",
    "void": "cyan",
}


def show(run: Run) -> None:
    """Print verdicts with their values, then knobs and timers, a column per platform."""
    columns = matrix.platforms(run)
    rows = [row for group in matrix.matrix(run).values() for row in group]
    console.table(
        f"Run {run.name} ({run.state}), app: {escape(run.app)}",
        ["question", *columns],
        [[_question(row), *map(_cell, row.answers)] for row in rows],
    )
    for variant in matrix.variants(run):
        knobs = matrix.knobs(run, variant)
        if knobs:
            console.table(
                f"Knobs and timers in force, {variant}",
                ["knob", *columns],
                [[escape(name), *map(escape, values)] for name, values in knobs],
            )
    for problem in dict.fromkeys(run.problems):
        console.warn(problem)


def show_timings(run: Run) -> None:
    """Print how long the run's own steps took."""
    columns, rows = matrix.timings(run)
    table = [[escape(name), *map(escape, values)] for name, values in rows]
    console.table("Timings", ["step", *columns], table)


def _question(row: matrix.Row) -> str:
    name = f"[bold]{escape(row.experiment)}[/bold] ({row.variant})"
    return f"{name}\n[dim]{escape(row.question)}[/dim]" if row.question else name


def _cell(answer: matrix.Answer | None) -> str:
    if answer is None:
        return matrix.MISSING
    verdict = answer.verdict
    colour, symbol = COLOURS[verdict], matrix.SYMBOLS[verdict]
    first = f"[{colour}]{symbol} {verdict}[/{colour}] [dim]{answer.repetitions}[/dim]"
    return "\n".join([first, *map(escape, (answer.summary, *answer.lines))])
