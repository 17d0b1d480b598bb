"""How a Swarm node is made: a privileged container with its own Docker engine."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import docker
from docker import DockerClient
from docker.errors import APIError

from orchlab import labels
from orchlab.errors import HostUnfit
from orchlab.platforms.nodes import ENTRY_PORT, PLATFORM, Node

API_DIRECTORY = "/orchlab"
LONGEST_SOCKET = 107  # sockaddr_un holds 108 bytes, one of them the terminating zero
PORT_ATTEMPTS = 3


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
