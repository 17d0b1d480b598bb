"""Where a Compose stack has its data: in two volumes, which a helper container sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import console, labels, shell
from orchlab.platforms import helper, serving
from orchlab.platforms.capabilities import Place
from orchlab.platforms.compose.faults import Faults

APP_VOLUME, STORE_VOLUME = "app-data", "redis-data"


class Backup(Faults):
    """The data of the project that is up."""

    def file_places(self) -> list[Place]:
        """One volume for all replicas."""
        return [self._volume(APP_VOLUME, helper.APP_USER)]

    @contextmanager
    def store_place(self) -> Iterator[Place]:
        """Redis' volume; the helper lives as long as each of its commands."""
        yield self._volume(STORE_VOLUME, helper.STORE_USER)

    @contextmanager
    def store_stopped(self) -> Iterator[None]:
        """Redis is stopped for the block, and started after it whatever happened in it."""
        found = self.project.deployment()
        try:
            with shell.undisturbed():  # one that is just stopping would take a start for nothing
                self.project.compose(found.variant, "stop", "redis")
            yield
        finally:
            with shell.undisturbed():
                self.project.compose(found.variant, "start", "redis")
        with console.step("compose: the app reaches Redis again"):
            serving.wait_for_store(self.endpoints, found.replicas, self.ask)

    def _volume(self, name: str, user: str) -> Place:
        """As the app's image sees it, which has Python; raises ``OrchlabError`` if none is up."""
        volume = f"{labels.LAB}_{name}"
        start = helper.command(volume, user, self.project.deployment().image, self.name)
        return Place(f"volume {volume}", helper.runner(start))
