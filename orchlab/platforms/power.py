"""The power of a node that is a container of the engine: here the container is the machine."""

from __future__ import annotations

from docker.models.containers import Container

from orchlab import shell
from orchlab.wait import wait_until

OFF_SECONDS = 10.0


def cut(node: Container) -> None:
    """SIGKILL a node with all that runs on it; raises ``WaitTimeout`` unless it is off.

    The engine takes that for its user's wish, so it does not start the node again.
    """
    shell.run(["docker", "kill", "--signal=KILL", str(node.name)])

    def off() -> bool:
        node.reload()
        return node.status == "exited"

    wait_until(f"node {node.name} off", off, timeout=OFF_SECONDS, pause=0.05)
