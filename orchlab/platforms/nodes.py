"""Swarm nodes: privileged containers, each with a Docker engine of its own.

A node's API is a unix socket in this lab's state directory and nowhere else. Its
images, containers and volumes live on a volume, its address and its entry port
are fixed: a node that was killed comes back as the same node.
"""

from __future__ import annotations

import os
import socket
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import docker
import requests
from docker import DockerClient
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container

from orchlab import labels, paths, shell
from orchlab.errors import HostUnfit, OrchlabError
from orchlab.platforms.base import Endpoint
from orchlab.wait import wait_until

Role = Literal["manager", "worker"]

PLATFORM = "swarm"
ENTRY_PORT = 8080
"""The port on which every node takes requests, inside the nodes' network."""

API_DIRECTORY = "/orchlab"
LONGEST_SOCKET = 107  # sockaddr_un holds 108 bytes, one of them the terminating zero
START_SECONDS = 60.0
PORT_ATTEMPTS = 3
DOCTOR = "`invoke doctor` shows whether this machine can run nested engines"


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its role, its number within that role from 1, and its fixed address."""

    role: Role
    number: int
    address: str

    @property
    def name(self) -> str:
        """Name of the container, its host name and the node's name in the swarm."""
        return f"{labels.LAB}-{self.role}{self.number}"

    @property
    def socket(self) -> Path:
        """The node's Docker API on this machine."""
        return paths.lab_dir() / PLATFORM / f"{self.role}{self.number}" / "docker.sock"

    @property
    def url(self) -> str:
        """The same as a value of ``DOCKER_HOST``."""
        return f"unix://{self.socket}"

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

    def kill_process(self, pid: int) -> None:
        """SIGKILL a process by its number in the node, behind its engine's back.

        Raises ``CommandFailed`` when there is no such process.
        """
        shell.run(["docker", "exec", self.name, "kill", "-KILL", str(pid)])


def create(node: Node, network: str, image: str, registry: str) -> None:
    """Make and start one node; it trusts ``registry`` without TLS."""
    _make_socket_directory(node.socket)
    client = docker.from_env()
    client.volumes.create(node.name, labels=labels.labels(PLATFORM))
    for attempt in range(1, PORT_ATTEMPTS + 1):
        container = client.containers.create(
            image, _daemon_flags(registry), **_settings(node, network, client)
        )
        try:
            container.start()
        except APIError as error:
            container.remove(force=True)
            taken = "already allocated" in str(error) or "already in use" in str(error)
            if not taken or attempt == PORT_ATTEMPTS:
                raise
        else:
            return


def _make_socket_directory(path: Path) -> None:
    if len(str(path).encode()) > LONGEST_SOCKET:
        raise HostUnfit(
            f"the path of a node's socket is too long for the kernel: {path}",
            f"set XDG_STATE_HOME to a shorter directory (at most {LONGEST_SOCKET} bytes in all)",
        )
    for directory in (path.parent.parent, path.parent):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _daemon_flags(registry: str) -> list[str]:
    """The group lets a user who is not root use the socket; the directory keeps others out."""
    return [
        f"--host=unix://{API_DIRECTORY}/docker.sock",
        f"--group={os.getgid()}",
        f"--insecure-registry={registry}",
    ]


def _settings(node: Node, network: str, client: DockerClient) -> dict[str, Any]:
    endpoint = client.api.create_endpoint_config(ipv4_address=node.address)
    binds = [f"{node.name}:/var/lib/docker", f"{node.socket.parent}:{API_DIRECTORY}"]
    if Path("/lib/modules").is_dir():
        binds.append("/lib/modules:/lib/modules:ro")  # for modules that overlays load on demand
    return {
        "name": node.name,
        "hostname": node.name,
        "labels": labels.labels(PLATFORM),
        "privileged": True,
        "environment": {"container": "docker"},  # how programs know that they are in one
        "tmpfs": {"/run": ""},  # pid files and sockets must not outlive a killed node
        "volumes": binds,
        "network": network,
        "networking_config": {network: endpoint},
        "ports": {f"{ENTRY_PORT}/tcp": ("127.0.0.1", _free_port())},
    }


def _free_port() -> int:
    """A number of our own choice, because one that the engine chose changes on restart."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


def _listens(path: Path) -> bool:
    """Asked before the SDK is, which leaves a socket open for every refusal."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _last_words(container: Container) -> str:
    return container.logs(tail=3).decode(errors="replace").strip()
