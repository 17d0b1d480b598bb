"""Services on the app's networks that are no part of the app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import labels, shell
from orchlab.images.store import Image
from orchlab.platforms.capabilities import Stranger
from orchlab.platforms.swarm.running import Running
from orchlab.wait import wait_until

CLIENTS = "frontend"
"""The network on which the app takes requests."""
STARTED_SECONDS = 60.0
ASK_SECONDS = 30.0


class Strangers(Running):
    """A service of nobody's. Only a service gets into an overlay that is not attachable."""

    @contextmanager
    def stranger(self, image: Image, node: str = "", name: str = "stranger") -> Iterator[Stranger]:
        """One on the network on which the app takes requests, for the length of the block.

        Raises ``UsageError`` for a node that cannot be asked directly.
        """
        chosen = self.swarm_nodes.node(node) if node else self.swarm_nodes.manager
        name = f"{self.stack.name}-{name}"
        place = [f"--constraint=node.hostname=={chosen.name}", f"--network={self._clients()}"]
        flags = ["--detach", "--no-resolve-image", "--no-healthcheck", f"--name={name}"]
        reference = self.registry.reference(image)
        try:
            words = (*flags, *labels.flags(), *place, reference, "sleep", "300")
            self.stack.run("service", "create", *words)
            find = ["docker", "ps", "-q", f"--filter=label=com.docker.swarm.service.name={name}"]
            container = wait_until(
                f"{name} runs",
                lambda: shell.run(find, env=chosen.environment, echo=False).strip(),
                timeout=STARTED_SECONDS,
            )
            argv = ["docker", "exec", container]
            yield Stranger(
                lambda *words: shell.run(
                    [*argv, *words], env=chosen.environment, echo=False, timeout=ASK_SECONDS
                ),
                app=("web", 8000),
                store=("redis", 6379),
            )
        finally:
            self.stack.run("service", "rm", name)

    def _clients(self) -> str:
        return f"{self.stack.name}_{CLIENTS}"
