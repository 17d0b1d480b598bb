"""Docker's networks without Compose: what a pair of containers makes of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker

from orchlab import labels, shell
from orchlab.errors import CommandFailed
from orchlab.images.store import Image
from orchlab.platforms.capabilities import Peer
from orchlab.platforms.compose.running import Running
from orchlab.wait import wait_until

OWN = "user-defined bridge"
NETWORKS = {"default bridge": "bridge", OWN: "", "host": "host", "none": "none"}
"""Kind -> name of the engine's network; the user-defined one is made for the purpose."""
PORT = 18099
STARTED_SECONDS = 30.0
LISTENS = f"import socket; socket.create_connection(('127.0.0.1', {PORT}), 1)"


class NetworkModes(Running):
    """The four kinds of networks that every engine has."""

    network_modes = tuple(NETWORKS)

    @contextmanager
    def peers(self, mode: str, image: Image) -> Iterator[Peer]:
        """Two containers in networks of that kind, one of which listens."""
        client, server = f"{labels.LAB}-client", f"{labels.LAB}-server"
        network = NETWORKS[mode] or f"{labels.LAB}-own"
        try:
            if mode == OWN:
                shell.run(["docker", "network", "create", *labels.flags(self.name), network])
            run = ["docker", "run", "-d", "--no-healthcheck", *labels.flags(self.name)]
            run += [f"--network={network}"]
            shell.run([*run, f"--name={client}", image.reference, "sleep", "300"])
            serve = ("python3", "-m", "http.server", str(PORT))
            shell.run([*run, f"--name={server}", image.reference, *serve])
            wait_until(f"{server} listens", lambda: _listens(server), timeout=STARTED_SECONDS)
            yield Peer(
                lambda *words: shell.run(["docker", "exec", client, *words], echo=False),
                name=server,
                address=_address(server, network),
                port=PORT,
            )
        finally:
            shell.run(["docker", "rm", "--force", client, server])
            if mode == OWN:
                shell.run(["docker", "network", "rm", network])


def _listens(name: str) -> bool:
    argv = ["docker", "exec", name, "python3", "-c", LISTENS]
    try:
        shell.run(argv, echo=False)
    except CommandFailed:
        return False
    return True


def _address(name: str, network: str) -> str:
    """Where a neighbour would look for it: without an address of its own, on the same host."""
    attached = docker.from_env().containers.get(name).attrs["NetworkSettings"]["Networks"]
    return str(attached[network]["IPAddress"] or "127.0.0.1")
