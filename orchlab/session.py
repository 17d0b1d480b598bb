"""One platform in one block of a run, from nothing to nothing."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

from orchlab import console, labels, sweep
from orchlab.errors import OrchlabError
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.guard import translate
from orchlab.images.store import ImageStore
from orchlab.measuring import measure_once
from orchlab.platforms.base import Platform, Release
from orchlab.records import Cell, Finding
from orchlab.results import RunDir

CHANGED_VERSION = "2"
BESIDE = "measured beside"
"""Among the knobs: what else the machine did for the lab meanwhile."""
AGAIN = "; what seemed broken: again alone"
DOUBTED = ("fail", "void")


@dataclass(frozen=True)
class Session:
    """A platform, and where the rows go of what is asked of it.

    ``places``: how far a run has come with each cell, such as ``7/39``. ``beside``: the
    platforms that are measured at the same time. ``doubting``: an answer that blames the
    platform, or the bench, may be the neighbours' fault, so its rows are set aside.
    """

    directory: RunDir
    images: ImageStore
    platform: Platform
    places: Mapping[Cell, str]
    keep: bool
    beside: Sequence[str] = ()
    doubting: bool = False

    def measure(self, cells: Sequence[Cell]) -> None:
        """Bring the platform up, carry out the cells of one block, tear it down.

        Whatever breaks is written to ``<platform>/broken.txt``; the other cells go on.
        """
        with self.removed():
            if self.bring_up():
                self.ask(cells)

    @contextmanager
    def removed(self) -> Iterator[None]:
        """Keep the logs and remove the platform after the block, however that ends."""
        try:
            yield
        except BaseException:  # Ctrl-C stays what ends the run, whatever its removal says
            with self._surviving("remove"):
                self._leave()
                if not self.keep:
                    sweep.sweep(labels.LAB, self.platform.name, sweep.INTERRUPTED_SECONDS)
            raise
        self._leave()

    def bring_up(self) -> bool:
        """The platform, with the app and its changed version on its nodes; whether it is up."""
        console.rule(self.platform.name)
        name = self.platform.name
        with self._surviving("bring-up"):
            with self.directory.timing(name, "images"):
                self.platform.prepare()
                image = self.images.app()
            with self.directory.timing(name, "create"):
                self.platform.create()
            with self.directory.timing(name, "publish"):
                self.platform.publish(image)
            changed = self.images.app(CHANGED_VERSION)
            with self.directory.timing(name, "publish a changed app"):
                self.platform.publish(changed)
            return True
        return False

    def ask(self, cells: Iterable[Cell]) -> None:
        """Carry out cells of one block on a platform that is up."""
        for variant, group in groupby(cells, key=lambda cell: cell.variant):
            with self._surviving(f"deploy {variant}"):
                self._ask_all(group, Release(self.images.app(), variant=variant))

    def _ask_all(self, cells: Iterable[Cell], release: Release) -> None:
        """Each on replicas that no broken experiment has left behind."""
        intact = False
        for cell in cells:
            with self._surviving(str(cell)):
                if not intact:
                    self._deploy(release)
                intact = False
                self._ask(cell, release)
                intact = True

    def _deploy(self, release: Release) -> None:
        """Fresh replicas without data, whatever ran before."""
        self.platform.undeploy()
        with self.directory.timing(self.platform.name, f"deploy {release.variant}"):
            self.platform.deploy(release)
        facts = self.platform.facts()
        at_once = {BESIDE: ", ".join(self.beside) + AGAIN if self.beside else "nothing else"}
        facts = replace(facts, knobs=facts.knobs | at_once)
        self.directory.save_facts(self.platform.name, release.variant, facts)

    def _ask(self, cell: Cell, release: Release) -> None:
        ask = partial(
            measure_once,
            EXPERIMENTS[cell.experiment](),
            self.platform,
            release,
            self.directory,
            cell.repetition,
        )
        with console.step(f"{self.places[cell]} {cell}"):
            if self.doubting:
                self._doubt(cell, partial(ask, attempts=1))
            else:
                ask()

    def _doubt(self, cell: Cell, ask: Callable[[], Finding]) -> None:
        """Leave the cell without rows, so that it counts as not asked, unless it is answered."""
        try:
            answer = ask()
        except Exception:
            self.directory.set_aside(cell)
            raise
        if answer.verdict in DOUBTED:
            self.directory.set_aside(cell)
            console.warn(f"{cell}: {answer.summary}; to be asked again, alone")

    @contextmanager
    def _surviving(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the others must go on
            known = error if isinstance(error, OrchlabError) else translate(error)
            message = known.message if known else repr(error)
            console.warn(f"{self.platform.name}, {what}: {message}")
            with self._folder().joinpath("broken.txt").open("a", encoding="utf-8") as file:
                file.write(f"{what}\n{traceback.format_exc()}\n")

    def _leave(self) -> None:
        """Keep the logs; remove the platform unless it is wanted."""
        with self._surviving("logs"):
            self.platform.collect_logs(self._folder() / "logs")
        if not self.keep:
            timing = self.directory.timing(self.platform.name, "delete")
            with console.step(f"{self.platform.name}: remove"), timing:
                self.platform.delete()
                sweep.leftover(labels.LAB)

    def _folder(self) -> Path:
        path = self.directory.path / self.platform.name
        path.mkdir(exist_ok=True)
        return path
