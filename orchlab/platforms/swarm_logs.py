"""Logs of a swarm as files: services, task history, node daemons."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import requests
from docker.errors import DockerException

from orchlab import shell
from orchlab.errors import OrchlabError
from orchlab.platforms.swarm_nodes import Nodes
from orchlab.platforms.swarm_stack import Stack

PATIENCE_SECONDS = 30.0


def collect(stack: Stack, nodes: Nodes, into: Path) -> None:
    """Write all that can be had; what fails leaves its error in its file.

    Logs are wanted most when something is broken, so one failure must not hide
    the others.
    """
    into.mkdir(parents=True, exist_ok=True)
    for name, container in nodes.existing().items():
        (into / f"{name}.log").write_bytes(container.logs(timestamps=True))
    _write(stack, into / "nodes.txt", "node", "ls")
    _write(stack, into / "services.txt", "stack", "services", stack.name)
    _write(stack, into / "tasks.txt", "stack", "ps", "--no-trunc", stack.name)
    try:
        for service in stack.services():
            name = service["Spec"]["Name"]
            (into / f"{name}.log").write_bytes(_service_log(stack, name))
    except (DockerException, requests.RequestException) as error:
        (into / "services.log").write_text(f"no service logs: {error}\n")


def _service_log(stack: Stack, name: str) -> bytes:
    with closing(stack.manager.client(timeout=PATIENCE_SECONDS)) as client:
        service = client.services.get(name)  # type: ignore[no-untyped-call]
        # Details name the node and the task of each line.
        lines = service.logs(details=True, stdout=True, stderr=True, timestamps=True)
        return b"".join(lines)


def _write(stack: Stack, path: Path, *words: str) -> None:
    try:
        text = shell.run(
            ["docker", *words], env=stack.environment, timeout=PATIENCE_SECONDS, echo=False
        )
    except OrchlabError as error:
        text = f"{error.message}\n"
    path.write_text(text)
