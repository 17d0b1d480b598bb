"""One cell of the plan, from its first row to its finding."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from orchlab import console, results
from orchlab.apps import Feature
from orchlab.experiments.base import Bench, Experiment
from orchlab.experiments.judging import judge_cell
from orchlab.platforms.base import Guarded, Platform, Release
from orchlab.platforms.capabilities import Happening, Watchable
from orchlab.prober import Prober
from orchlab.prober.rows import append
from orchlab.records import Cell, Event, Finding
from orchlab.report import digests
from orchlab.results import RunDir

ATTEMPTS = 3
"""A void attempt proves nothing and is repeated; its raw samples are kept."""


def measure_once(  # noqa: PLR0913 - the last ones have plain defaults
    experiment: Experiment,
    platform: Platform,
    release: Release,
    directory: RunDir,
    repetition: int = 1,
    *,
    attempts: int = ATTEMPTS,
) -> Finding:
    """Carry out one experiment and judge it; a void attempt is repeated.

    There are at most so many ``attempts``; the rows of void ones stay beside those of the
    last one. Errors of the platform pass through, after they were recorded.
    """
    cell = Cell(platform.name, release.variant, experiment.name, repetition)
    path = directory.history(cell)
    for attempt in range(1, attempts + 1):
        if path.exists():  # of an attempt that was void, or cut off
            directory.set_aside(cell)
        _record(experiment, platform, release, path)
        history = results.load_history(path)
        answer = judge_cell(cell, history, experiment)
        if answer.verdict != "void":
            break
        again = "; again" if attempt < attempts else ""
        console.warn(f"{cell} is void: {answer.summary}{again}")
    digests.keep(path, history)
    return answer


@contextmanager
def observed(platform: Platform, path: Path, record: Callable[[Event], None]) -> Iterator[None]:
    """Probe every entry node, and note what the platform says, while the block runs."""
    offset = time.time_ns() - time.monotonic_ns()

    def tell(said: Happening) -> None:
        detail = {"source": said.source, "node": said.node}
        record(Event(said.at_ns - offset, "platform", said.subject, detail))

    with ExitStack() as stack:
        if isinstance(platform, Watchable):
            stack.enter_context(platform.watch(tell))
        stack.enter_context(Prober(platform.endpoints(), path, app=platform.images.subject))
        yield


def _unsupported(experiment: Experiment, platform: Platform) -> str:
    """What the platform, or else the app, lacks for an experiment; empty if nothing."""
    app = platform.images.subject
    features = [each for each in experiment.needs if isinstance(each, Feature)]
    kinds = [each for each in experiment.needs if not isinstance(each, Feature)]
    if missing := [each.__name__ for each in kinds if not isinstance(platform, each)]:
        why = f": {platform.refusal}" if isinstance(platform, Guarded) else ""
        return f"{platform.name} lacks {', '.join(missing)}{why}"
    if absent := [each for each in features if each not in app.features]:
        return f"the app {app.name} is not known to have {', '.join(absent)}"
    return ""


def _record(experiment: Experiment, platform: Platform, release: Release, path: Path) -> None:
    def record(event: Event) -> None:
        append(path, event)

    if reason := _unsupported(experiment, platform):
        record(Event.now("unsupported", reason))
        return
    bench = Bench(platform, release, record, lambda: observed(platform, path, record))
    try:
        bench.mark("started")
        experiment.run(bench)
        bench.mark("finished")
    except Exception as error:
        record(Event.now("broken", f"{type(error).__name__}: {error}"))
        raise
