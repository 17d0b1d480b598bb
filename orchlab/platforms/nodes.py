"""Swarm nodes: privileged containers, each with a Docker engine of its own.

A node's API is a unix socket in this lab's state directory and nowhere else. Its
images, containers and volumes live on a volume, its address and its entry port
are fixed: a node that was killed comes back as the same node.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Literal, cast

import docker
import requests
from docker import DockerClient
from docker.errors import DockerException, NotFound
from docker.models.containers import Container

from orchlab import labels, paths, shell
from orchlab.errors import OrchlabError
from orchlab.platforms.base import Endpoint
from orchlab.wait import wait_until

Role = Literal["manager", "worker"]

PLATFORM = "swarm"
ENTRY_PORT = 8080
"""The port on which every node takes requests, inside the nodes' network."""

FIRST_HOST: dict[Role, int] = {"manager": 10, "worker": 20}
"""Where the fixed addresses of a role begin, so that no node moves when another one
comes or goes; the engine hands out the upper half of the network by itself."""

START_SECONDS = 60.0
PROBE_SECONDS = 3.0
DOCTOR = "`invoke doctor` shows whether this machine can run nested engines"


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its role, its number within that role from 1, and its fixed address."""

    role: Role
    number: int
    address: str

    @property
    def name(self) -> str:
        """Name of the container, its host name and the node's name in the swarm.

        A kind cluster of the same lab has a ``<lab>-worker2``, too.
        """
        return f"{labels.LAB}-{PLATFORM}-{self.role}{self.number}"

    @property
    def socket(self) -> Path:
        """The node's Docker API on this machine."""
        return paths.lab_dir() / PLATFORM / f"{self.role}{self.number}" / "docker.sock"

    @property
    def url(self) -> str:
        """The same as a value of ``DOCKER_HOST``."""
        return f"unix://{self.socket}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes the ``docker`` command talk to this node's engine."""
        return {"DOCKER_HOST": self.url}

    def client(self, timeout: float = 60.0) -> DockerClient:
        """A client of the node's engine, to be closed by the caller (``closing``)."""
        return DockerClient(base_url=self.url, timeout=int(timeout))

    def container(self) -> Container:
        """The container that is this node; raises ``OrchlabError`` if there is none."""
        try:
            return docker.from_env().containers.get(self.name)
        except NotFound:
            raise OrchlabError(f"node {self.name} does not exist", "run the task again") from None

    def endpoint(self) -> Endpoint:
        """The node's entry port as the engine published it; a stopped node keeps it."""
        bound = self.container().attrs["HostConfig"]["PortBindings"][f"{ENTRY_PORT}/tcp"][0]
        return Endpoint(self.name, f"http://{bound['HostIp']}:{bound['HostPort']}")

    def signal_process(self, pid: int, signal: Signals) -> None:
        """Signal a process by its number in the node, behind its engine's back.

        Raises ``CommandFailed`` when there is no such process.
        """
        shell.run(["docker", "exec", self.name, "kill", f"-{int(signal)}", str(pid)])

    def kill_process(self, pid: int) -> None:
        """SIGKILL a process of the node; raises as ``signal_process`` does."""
        self.signal_process(pid, SIGKILL)


def place(role: Role, number: int, subnet: ipaddress.IPv4Network) -> Node:
    """The node of that role and number, with its fixed address in the nodes' network."""
    return Node(role, number, str(subnet[FIRST_HOST[role] + number]))


def identify(name: str) -> tuple[Role, int] | None:
    """Role and number that a container's name tells; None if it is no node of this lab."""
    found = re.fullmatch(rf"{re.escape(labels.LAB)}-{PLATFORM}-(manager|worker)(\d+)", name)
    return (cast("Role", found[1]), int(found[2])) if found else None


def await_engine(node: Node) -> None:
    """Return when the node's engine answers.

    Raises ``WaitTimeout``, or ``OrchlabError`` at once for a node that stopped.
    """
    container = node.container()

    def answers() -> bool:
        container.reload()
        if container.status != "running":
            raise OrchlabError(f"node {node.name} stopped: {_last_words(container)}", DOCTOR)
        if not _listens(node.socket):
            return False
        with suppress(DockerException, requests.RequestException), closing(node.client(timeout=5)):
            return True
        return False

    wait_until(
        f"the Docker engine of node {node.name} answers",
        answers,
        timeout=START_SECONDS,
        pause=0.1,
        state=lambda: _last_words(container),
        hint=DOCTOR,
    )


def leads(node: Node) -> bool:
    """Whether this manager can carry out commands now: it leads, or knows who does."""
    if not _listens(node.socket):
        return False
    try:
        with closing(node.client(timeout=PROBE_SECONDS)) as client:
            swarm = client.info()["Swarm"]
    except (DockerException, requests.RequestException):
        return False
    return bool(swarm["ControlAvailable"]) and not swarm.get("Error")


def _listens(path: Path) -> bool:
    """Asked before the SDK is, which leaves a socket open for every refusal."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _last_words(container: Container) -> str:
    return container.logs(tail=3).decode(errors="replace").strip()
