"""``invoke compare-runs``: what two runs answer differently, as a table."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from orchlab import console, results
from orchlab.differences import Comparison, Difference, compare
from orchlab.errors import UsageError
from orchlab.results import Run

HEADER = ("platform", "variant", "experiment", "what", "before", "after", "claim")


def show(before: str, after: str) -> None:
    """Print what changed between two runs, each given by its directory.

    Raises ``UsageError`` for one that is not there or was never judged.
    """
    old, new = _judged(before), _judged(after)
    for name, was, now in _conditions(old, new):
        console.note(f"{name}: {was} -> {now}")
    found = compare(old.findings, new.findings)
    if not found.differences:
        console.line("nothing differs")
    else:
        title = f"{old.name} against {new.name}"
        console.table(title, HEADER, [_row(each) for each in found.differences])
    console.line(_summary(found))


def _judged(path: str) -> Run:
    run = results.load(Path(path))
    if not run.findings:
        raise UsageError(f"{path} was never judged", f"`invoke report --run {path}` does that")
    return run


def _conditions(old: Run, new: Run) -> list[tuple[str, str, str]]:
    """What was not the same around the two runs."""
    was, now = (
        {**run.host, "commit": str(run.source["commit"]), "app": run.app} for run in (old, new)
    )
    names = dict.fromkeys([*was, *now])
    return [
        (name, was.get(name, "-"), now.get(name, "-"))
        for name in names
        if was.get(name) != now.get(name)
    ]


def _row(found: Difference) -> list[str]:
    cells = (*found.place, found.what, found.before, found.after, _claim(found))
    return [escape(cell) for cell in cells]


def _claim(found: Difference) -> str:
    if found.by_chance is None:
        return "changed"
    if not found.claim:
        return "one sample each: no claim" if found.by_chance == 1 else "one sample: no claim"
    return f"changed; by chance {100 * found.by_chance:.2g} %"


def _summary(found: Comparison) -> str:
    if not found.compared:
        return "no number has two samples in both runs: --profile full makes six of each"
    return (
        f"{found.compared} numbers with at least two samples in both runs; if nothing changed, "
        f"the ranges of about {found.expected:.1f} of them would not overlap by chance"
    )
