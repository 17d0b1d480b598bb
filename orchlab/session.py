"""One platform in one block of a run, from nothing to nothing."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from orchlab import console, labels, sweep
from orchlab.errors import OrchlabError
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.guard import translate
from orchlab.images.store import Image, ImageStore
from orchlab.measuring import measure_once
from orchlab.platforms.base import Platform, Release
from orchlab.records import Cell
from orchlab.results import RunDir

CHANGED_VERSION = "2"


@dataclass(frozen=True)
class Session:
    """A platform, and where the rows go of what is asked of it.

    ``places``: how far a run has come with each cell, such as ``7/39``.
    """

    directory: RunDir
    images: ImageStore
    platform: Platform
    places: Mapping[Cell, str]
    keep: bool

    def measure(self, cells: Sequence[Cell]) -> None:
        """Bring the platform up, carry out the cells of one block, tear it down.

        Whatever breaks is written to ``<platform>/broken.txt``; the other cells go on.
        """
        console.rule(f"{self.platform.name}, repetition {cells[0].repetition}")
        try:
            with self._surviving("bring-up"):
                image = self._bring_up()
                for variant, group in groupby(cells, key=lambda cell: cell.variant):
                    with self._surviving(f"deploy {variant}"):
                        self._ask_all(group, Release(image, variant=variant))
                self._publish_change()
        except BaseException:  # Ctrl-C stays what ends the run, whatever its removal says
            with self._surviving("remove"):
                self._leave()
                if not self.keep:
                    sweep.sweep(labels.LAB, self.platform.name, sweep.INTERRUPTED_SECONDS)
            raise
        self._leave()

    def _bring_up(self) -> Image:
        with self.directory.timing(self.platform.name, "images"):
            self.platform.prepare()
            image = self.images.app()
        with self.directory.timing(self.platform.name, "create"):
            self.platform.create()
        with self.directory.timing(self.platform.name, "publish"):
            self.platform.publish(image)
        return image

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
        self.directory.save_facts(self.platform.name, release.variant, self.platform.facts())

    def _ask(self, cell: Cell, release: Release) -> None:
        experiment = EXPERIMENTS[cell.experiment]()
        with console.step(f"{self.places[cell]} {cell}"):
            measure_once(experiment, self.platform, release, self.directory, cell.repetition)

    def _publish_change(self) -> None:
        changed = self.images.app(CHANGED_VERSION)
        with self.directory.timing(self.platform.name, "publish a changed app"):
            self.platform.publish(changed)

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
