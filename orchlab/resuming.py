"""Whether an interrupted run can go on here, and with what."""

from __future__ import annotations

from collections.abc import Iterator

from orchlab import host
from orchlab.errors import UsageError
from orchlab.experiments.judging import complete
from orchlab.records import Cell
from orchlab.results import Run


def left(run: Run) -> list[Cell]:
    """The cells that did not come to their end, in the order of the plan.

    One that broke came to its end: repeated until it passes, it would say nothing.
    """
    done = {each.cell for each in run.histories() if complete(each)}
    return [cell for cell in run.cells if cell not in done]


def require(run: Run) -> None:
    """Raise ``UsageError`` unless what is measured now belongs to what was measured then."""
    found = list(_differences(run))
    if found:
        raise UsageError(
            f"run {run.name} cannot go on here: {'; '.join(found)}",
            "start a new one with `invoke compare`",
        )


def _differences(run: Run) -> Iterator[str]:
    then = {**run.source, **run.host, "version": run.version, "boot": run.anchor.get("boot")}
    now = {**host.source(), **host.describe(), "version": host.version(), "boot": host.boot()}
    for name, value in now.items():
        if then.get(name) != value:
            yield f"{_NAMES.get(name, name)} was {then.get(name)}, is {value}"


_NAMES = {
    "dirty": "the state of the checkout (with changes that are not committed)",
    "boot": "the machine's clock has begun anew: its boot",
}
