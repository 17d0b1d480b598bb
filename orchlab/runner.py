"""Platforms x experiments: bring up, measure, tear down; then judge and draw.

One platform is up at a time, or, in a run whose plan says so, all are and each is measured in a
lane of its own. A platform that fails leaves ``unknown`` findings and the others go on; Ctrl-C
still tears down what is up, and the run can go on later.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from orchlab import app_file, apps, console, engine, lanes, paths, plan, results, resuming
from orchlab.apps import LABS_OWN, App
from orchlab.conclusion import conclude
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.images.store import ImageStore
from orchlab.lifecycle import image_store
from orchlab.names import one, pick
from orchlab.platforms.base import Platform
from orchlab.platforms.registry import PLATFORMS
from orchlab.profiles import PROFILES
from orchlab.records import Cell
from orchlab.results import RunDir
from orchlab.session import Session

Elsewhere = Mapping[str, Callable[[ImageStore], Platform]]
"""Platform -> an adapter of somebody's, instead of the lab's own."""

OURS: Elsewhere = MappingProxyType({})


def compare(  # noqa: PLR0913 - what a user can choose
    profile: str,
    platforms: str,
    experiments: str,
    policy: str,
    *,
    keep: bool,
    elsewhere: Elsewhere = OURS,
    app: App = LABS_OWN,
) -> None:
    """Plan a run of ``app``, measure, judge, print and draw.

    ``platforms`` and ``experiments`` narrow what ``profile`` asks. Raises ``UnknownName``
    before anything starts, and at the end what ``conclude`` raises.
    """
    chosen = pick("platform", platforms, PLATFORMS)
    wanted = one("profile", profile, PROFILES)
    names = pick("experiment", experiments, EXPERIMENTS) if experiments else wanted.experiments
    images = image_store(policy, app)
    engine.ensure()
    adapters = _adapters(chosen, images, elsewhere)
    request = plan.Request(
        {name: each.variants for name, each in adapters.items()},
        {name: EXPERIMENTS[name]() for name in names},
        wanted.both,
        wanted.repetitions,
    )
    seed = random.SystemRandom().randrange(2**32)
    beside = wanted.beside and len(chosen) > 1 and not experiments and not elsewhere
    chosen_so = {"profile": profile, "images": policy, "beside": beside}
    planned = request.plan(seed) | chosen_so | apps.planned(app)
    directory = results.open_run(paths.RESULTS, planned)
    _carry_out(directory, request.cells(seed), images, adapters, keep=keep, beside=beside)


def resume(run: str, *, keep: bool, elsewhere: Elsewhere = OURS) -> None:
    """Carry out what an interrupted run (the newest if empty) did not come to.

    Raises ``UsageError`` where that cannot belong to what was measured before, and at the
    end what ``conclude`` raises.
    """
    found = results.load(Path(run) if run else results.latest(paths.RESULTS))
    resuming.require(found)
    left = resuming.left(found)
    images = image_store(found.plan["images"], app_file.of_plan(found.plan))
    engine.ensure()
    adapters = _adapters(found.plan["platforms"], images, elsewhere)
    directory = RunDir(found.path)
    directory.reopen()
    _carry_out(directory, left, images, adapters, keep=keep, beside=found.plan.get("beside", False))


def lane(path: Path, platform: str) -> None:
    """Carry out what is left of a run on one of its platforms, which is up."""
    found = results.load(path)
    cells = [cell for cell in resuming.left(found) if cell.platform == platform]
    images = image_store(found.plan["images"], app_file.of_plan(found.plan))
    engine.ensure()
    beside = _others(platform, found.plan["platforms"])
    adapter = _adapters([platform], images, OURS)[platform]
    Session(
        RunDir(path), images, adapter, _places(cells), keep=True, beside=beside, doubting=True
    ).ask(cells)


def _adapters(
    names: Sequence[str], images: ImageStore, elsewhere: Elsewhere
) -> dict[str, Platform]:
    made = {**PLATFORMS, **elsewhere}
    return {name: made[name](images) for name in names}


def _carry_out(  # noqa: PLR0913 - what a run consists of
    directory: RunDir,
    cells: Sequence[Cell],
    images: ImageStore,
    adapters: Mapping[str, Platform],
    *,
    keep: bool,
    beside: bool,
) -> None:
    console.note(f"experiments to carry out: {len(cells)}; their rows go to {directory.path}")
    session = partial(Session, directory, images, places=_places(cells), keep=keep)
    by_block = groupby(cells, key=lambda cell: (cell.repetition, cell.platform))
    blocks = [(name, list(block)) for (_, name), block in by_block]
    with _ending(directory):
        if beside and len(blocks) > 1:
            names = [name for name, _ in blocks]
            _measure_beside(
                directory.path,
                [
                    (session(adapters[name], beside=_others(name, names)), block)
                    for name, block in blocks
                ],
            )
        else:
            for name, block in blocks:
                session(adapters[name]).measure(block)
    conclude(directory.path)


def _measure_beside(path: Path, blocks: Sequence[tuple[Session, list[Cell]]]) -> None:
    """Bring all up, one after the other, then measure them at the same time.

    What is doubtful then is asked again, of one platform after the other.
    """
    with ExitStack() as stack:
        up = []
        for each, cells in blocks:
            stack.enter_context(each.removed())
            if each.bring_up():
                up.append((each, cells))
        lanes.run(path, [each.platform.name for each, _ in up])
        for each, cells in up:
            each.ask(cell for cell in cells if not each.directory.history(cell).exists())


def _others(platform: str, platforms: Iterable[str]) -> list[str]:
    return [name for name in platforms if name != platform]


def _places(cells: Sequence[Cell]) -> dict[Cell, str]:
    """How far a run has come with each cell."""
    return {cell: f"{number}/{len(cells)}" for number, cell in enumerate(cells, start=1)}


@contextmanager
def _ending(directory: RunDir) -> Iterator[None]:
    """Write how the run ended, and say how one that ended early can go on."""
    state: results.State = "failed"
    try:
        yield
        state = "complete"
    except KeyboardInterrupt:
        state = "interrupted"
        raise
    finally:
        directory.finish(state)
        if state != "complete":
            console.note(f"to go on with it: invoke compare --resume {directory.path}")
