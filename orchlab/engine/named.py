"""The engine that the user has chosen: by environment, by context or by default.

In the order of the ``docker`` command: ``DOCKER_HOST``, then the context that
``DOCKER_CONTEXT`` or ``docker context use`` names, then the default socket.
"""

from __future__ import annotations

import os
import socket

import docker
import requests
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.context import ContextAPI
from docker.errors import DockerException

from orchlab import console

PING_TIMEOUT = 5
UNIX = "unix://"


def answers(address: str) -> bool:
    """Whether a Docker engine answers at this address within 5 s."""
    if address.startswith(UNIX) and not _listens(address.removeprefix(UNIX)):
        return False  # the SDK would leave a socket open in this case
    try:
        client = docker.from_env(
            timeout=PING_TIMEOUT, environment={**os.environ, "DOCKER_HOST": address}
        )
        try:
            return bool(client.ping())
        finally:
            client.close()
    except (DockerException, requests.RequestException, OSError):
        return False


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PING_TIMEOUT)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def candidates() -> list[str]:
    """Addresses to try, the first being the one that was asked for explicitly."""
    if explicit := os.environ.get("DOCKER_HOST"):
        return [explicit]
    found = [context_address(), DEFAULT_UNIX_SOCKET.replace("http+unix", "unix")]
    return [address for address in dict.fromkeys(found) if address]


def context_address() -> str | None:
    """Address of the current context; None for the default one and for remote ones.

    A remote engine cannot serve: entry points are published on its own 127.0.0.1.
    """
    name = os.environ.get("DOCKER_CONTEXT")
    try:
        context = ContextAPI.get_context(name) if name else ContextAPI.get_current_context()
        address = context.Host if context else None
    except (DockerException, OSError, ValueError, LookupError) as error:
        console.warn(f"the current docker context cannot be read: {error}")
        return None
    local = address is not None and address.startswith(UNIX)
    return str(address) if local else None


def address(own: str) -> str | None:
    """Address of the first named engine that answers; None if none does, or it is ``own``."""
    others = (each for each in candidates() if each != own)
    return next((each for each in others if answers(each)), None)


def warn_if_dead(own: str) -> None:
    """Say that the engine which ``DOCKER_HOST`` names is not the one that gets used."""
    explicit = os.environ.get("DOCKER_HOST")
    if explicit and explicit != own:
        console.warn(f"no engine answers at DOCKER_HOST={explicit}; using a private one")
