"""The time of `invoke report`: a run is read from disk, judged and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab import paths, results
from orchlab.bench.figure import Reading, Sides
from orchlab.bench.stopwatch import timed
from orchlab.conclusion import judged
from orchlab.errors import OrchlabError
from orchlab.images.store import ImageStore
from orchlab.report import render

ALLOWED_S = 3.0


@contextmanager
def sides(_: ImageStore) -> Iterator[Sides]:
    """The largest run below results/; raises ``OrchlabError`` when there is none."""
    path = largest(paths.RESULTS)
    run = results.load(path)
    samples = [len(each.samples) for each in run.histories()]
    yield Sides(
        ours=lambda: timed(lambda: report(path)),
        other=lambda: Reading(ALLOWED_S),
        knobs={"run": f"{run.name}: {len(samples)} histories, {sum(samples)} samples"},
    )


def report(path: Path) -> None:
    """What `invoke report` does, without its tables."""
    render(judged(path))


def largest(root: Path) -> Path:
    """The run with most bytes of rows."""
    sizes = {
        file.parent: sum(rows.stat().st_size for rows in file.parent.glob("*/*/*-*.jsonl"))
        for file in root.glob("*/run.json")
    }
    if not sizes:
        raise OrchlabError(f"no run in {root} to draw", "make one with `invoke compare`")
    return max(sizes, key=lambda path: sizes[path])
