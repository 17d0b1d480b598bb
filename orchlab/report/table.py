"""The findings on the terminal: numbers, and beside them the knobs in force."""

from __future__ import annotations

from rich.markup import escape

from orchlab import console
from orchlab.records import Finding, Verdict
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
    console.table(
        f"Run {run.name} ({run.state})",
        ["question", *columns],
        [[_question(row), *(_cell(cell) for cell in row.cells)] for row in matrix.rows(run)],
    )
    knobs = matrix.knobs(run)
    if knobs:
        console.table(
            "Knobs and timers in force",
            ["knob", *matrix.columns(run)],
            [[escape(name), *map(escape, values)] for name, values in knobs],
        )
    for problem in run.problems:
        console.warn(problem)


def show_timings(run: Run) -> None:
    """Print how long the run's own steps took."""
    columns, rows = matrix.timings(run)
    table = [[escape(name), *map(escape, values)] for name, values in rows]
    console.table("Timings", ["step", *columns], table)


def _question(row: matrix.Row) -> str:
    again = f" #{row.repetition}" if row.repetition > 1 else ""
    name = f"[bold]{escape(row.experiment)}[/bold] ({row.variant}){again}"
    return f"{name}\n[dim]{escape(row.question)}[/dim]" if row.question else name


def _cell(finding: Finding | None) -> str:
    if finding is None:
        return matrix.MISSING
    colour = COLOURS[finding.verdict]
    verdict = f"[{colour}]{matrix.SYMBOLS[finding.verdict]} {finding.verdict}[/{colour}]"
    lines = [escape(line) for line in (finding.summary, *matrix.value_lines(finding))]
    return "\n".join([verdict, *lines])
