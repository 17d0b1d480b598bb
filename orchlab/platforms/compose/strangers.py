"""Containers on the app's networks that are no part of the app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import labels, shell
from orchlab.images.store import Image
from orchlab.names import pick
from orchlab.platforms.base import DEFAULTS, HARDENED
from orchlab.platforms.capabilities import Stranger
from orchlab.platforms.compose.running import Running

CLIENTS = {DEFAULTS: "default", HARDENED: "frontend"}
"""The network on which the app takes requests."""
ASK_SECONDS = 30.0


class Strangers(Running):
    """A container of nobody's."""

    @contextmanager
    def stranger(self, image: Image, node: str = "", name: str = "stranger") -> Iterator[Stranger]:
        """One on the network on which the app takes requests, for the length of the block.

        Raises ``UnknownName`` for another node than the engine's.
        """
        pick("node", node, [self.project.node])
        name = f"{labels.LAB}-{name}"
        network = f"{labels.LAB}_{CLIENTS[self.project.deployment().variant]}"
        flags = ["--detach", "--no-healthcheck", f"--name={name}", f"--network={network}"]
        run = ["docker", "run", *flags, *labels.flags(self.name), image.reference, "sleep", "300"]
        try:
            shell.run(run)
            argv = ["docker", "exec", name]
            yield Stranger(
                lambda *words: shell.run([*argv, *words], echo=False, timeout=ASK_SECONDS),
                app=("web", 8000),
                store=("redis", 6379),
            )
        finally:
            shell.run(["docker", "rm", "--force", name])
