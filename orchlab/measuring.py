"""One cell of the plan, from its first row to its finding."""

from __future__ import annotations

from pathlib import Path

from orchlab import console, results
from orchlab.experiments.base import Bench, Experiment
from orchlab.experiments.judging import judge_cell
from orchlab.platforms.base import Guarded, Platform, Release
from orchlab.prober import Prober
from orchlab.prober.rows import append
from orchlab.records import Cell, Event, Finding
from orchlab.results import RunDir

ATTEMPTS = 3
"""A void attempt proves nothing and is repeated; its raw samples are kept."""


def measure_once(
    experiment: Experiment,
    platform: Platform,
    release: Release,
    directory: RunDir,
    repetition: int = 1,
) -> Finding:
    """Carry out one experiment and judge it; a void attempt is repeated.

    The rows of void attempts stay beside those of the last one. Errors of the platform
    pass through, after they were recorded.
    """
    cell = Cell(platform.name, release.variant, experiment.name, repetition)
    path = directory.history(cell)
    for attempt in range(1, ATTEMPTS + 1):
        if path.exists():  # of an attempt that was void, or cut off
            directory.set_aside(cell)
        _record(experiment, platform, release, path)
        answer = judge_cell(cell, results.load_history(path), experiment)
        if answer.verdict != "void":
            break
        again = "; again" if attempt < ATTEMPTS else ""
        console.warn(f"{cell} is void: {answer.summary}{again}")
    return answer


def _record(experiment: Experiment, platform: Platform, release: Release, path: Path) -> None:
    def record(event: Event) -> None:
        append(path, event)

    missing = [need.__name__ for need in experiment.needs if not isinstance(platform, need)]
    if missing:
        why = f": {platform.refusal}" if isinstance(platform, Guarded) else ""
        record(Event.now("unsupported", f"{platform.name} lacks {', '.join(missing)}{why}"))
        return
    bench = Bench(platform, release, record, lambda: Prober(platform.endpoints(), path))
    try:
        bench.mark("started")
        experiment.run(bench)
        bench.mark("finished")
    except Exception as error:
        record(Event.now("broken", f"{type(error).__name__}: {error}"))
        raise
