"""Logs of a swarm as files: services, task history, node daemons."""

from __future__ import annotations

from pathlib import Path

import requests
from docker.errors import DockerException

from orchlab import shell
from orchlab.errors import OrchlabError
from orchlab.parallel import in_parallel
from orchlab.platforms.swarm.nodes import Nodes
from orchlab.platforms.swarm.stack import Stack

PATIENCE_SECONDS = 15
SERVICE_LOG = f"timeout {PATIENCE_SECONDS} docker service logs --timestamps --details $0 2>&1"
"""Both streams, and what came until then where the end does not come: a node that is away
keeps the command, and the SDK even more so, waiting for ever."""

HISTORY = ("events", "--since=1h", "--until=0s")
"""What an engine still remembers, of its last 256 events."""


def collect(stack: Stack, nodes: Nodes, into: Path) -> None:
    """Write all that can be had; what fails leaves its error in its file.

    Events are those of the manager's engine.

    Logs are wanted most when something is broken, so one failure must not hide
    the others.
    """
    into.mkdir(parents=True, exist_ok=True)
    for name, container in nodes.existing().items():
        (into / f"{name}.log").write_bytes(container.logs(timestamps=True))
    _write(stack, into / "nodes.txt", "node", "ls")
    _write(stack, into / "services.txt", "stack", "services", stack.name)
    _write(stack, into / "tasks.txt", "stack", "ps", "--no-trunc", stack.name)
    _write(stack, into / "events.txt", *HISTORY)
    try:
        names = [service["Spec"]["Name"] for service in stack.services()]
    except (DockerException, requests.RequestException) as error:
        (into / "services.log").write_text(f"no service logs: {error}\n")
        return
    script = f"{SERVICE_LOG} || echo cut off: $?"
    in_parallel(
        lambda name: _write(stack, into / f"{name}.log", "-c", script, name, program="sh"), names
    )


def _write(stack: Stack, path: Path, *words: str, program: str = "docker") -> None:
    try:
        text = shell.run(
            [program, *words], env=stack.environment, timeout=PATIENCE_SECONDS + 5, echo=False
        )
    except OrchlabError as error:
        text = f"{error.message}\n"
    path.write_text(text)
