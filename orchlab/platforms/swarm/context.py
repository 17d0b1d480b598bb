"""Somebody's swarm: how its manager is reached, and what can be asked through it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

import docker
import requests
from docker import DockerClient
from docker.errors import DockerException
from docker.models.containers import Container

from orchlab.engine import contexts
from orchlab.errors import HostUnfit, UsageError
from orchlab.platforms.base import Endpoint
from orchlab.platforms.nodes import ENTRY_PORT
from orchlab.platforms.swarm import members as swarm_members

HERE = "127.0.0.1"
NOWHERE = ("", "0.0.0.0", "::", HERE, "::1")  # noqa: S104 - what a swarm of one node may say
PROBE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a manager's API is: the variables that name it to the ``docker`` command."""

    variables: Mapping[str, str]

    @property
    def url(self) -> str:
        """As ``DOCKER_HOST`` takes it."""
        return self.variables["DOCKER_HOST"]

    @property
    def here(self) -> bool:
        """Whether the engine is on this machine."""
        return self.url.startswith("unix://")

    @property
    def host(self) -> str:
        """The machine that the address names."""
        return HERE if self.here else urlsplit(self.url).hostname or HERE


def find(context: str, host: str) -> Address | None:
    """The manager that a docker context or a ``--host`` names; None when neither is given.

    To be asked before ``engine.ensure``, which may choose a client configuration of
    its own, where the user's contexts are not. Raises ``UnknownName``, and
    ``UsageError`` for an API that anybody on its network could use.
    """
    if context and host:
        raise UsageError("a context and a host are two swarms", "give one of the two")
    if context:
        found = Address(contexts.variables(contexts.inspect(context)))
    elif host:
        found = Address({"DOCKER_HOST": host})
    else:
        return None
    if found.url.startswith("tcp://") and "DOCKER_TLS_VERIFY" not in found.variables:
        raise UsageError(
            f"{found.url} is a Docker API without TLS: whoever reaches it is root there",
            "use ssh://, or a context with certificates",
        )
    return found


@dataclass(frozen=True, slots=True)
class RemoteEngine:
    """A manager's engine. ``api`` names it to the SDK, which knows no ssh: a tunnel's end."""

    name: str
    environment: dict[str, str]
    api: dict[str, str]

    def client(self, timeout: float = 60.0) -> DockerClient:
        """A client of it, to be closed by the caller."""
        return docker.from_env(timeout=int(timeout), environment=self.api)


def reach(address: Address) -> RemoteEngine:
    """The engine at an address; raises ``HostUnfit``, or ``UsageError`` if it manages no swarm."""
    variables = dict(address.variables)
    ssh = address.url.startswith("ssh://")
    api = variables | ({"DOCKER_HOST": contexts.tunnel(address.url)} if ssh else {})
    engine = RemoteEngine("", variables, api)
    try:
        with closing(engine.client(PROBE_SECONDS)) as client:
            info = client.info()
    except (DockerException, requests.RequestException) as error:
        hint = f"`DOCKER_HOST={address.url} docker version` shows what the command gets"
        raise HostUnfit(f"no Docker engine answers at {address.url}: {error}", hint) from error
    if not info["Swarm"]["ControlAvailable"]:
        raise UsageError(
            f"the engine {info['Name']} at {address.url} manages no swarm",
            "name a manager's engine; `docker swarm init` makes a swarm of one",
        )
    return RemoteEngine(str(info["Name"]), variables, api)


@dataclass(frozen=True, slots=True)
class ExistingNodes:
    """The nodes of somebody's swarm: listed by its manager, and only that one can be asked."""

    manager: RemoteEngine
    host: str = HERE
    entry_port: int = ENTRY_PORT

    @property
    def all(self) -> list[RemoteEngine]:
        """The manager alone: the other engines are nobody's business here."""
        return [self.manager]

    def up(self) -> bool:
        """True: it answered."""
        return True

    def node(self, name: str) -> RemoteEngine:
        """The manager; raises ``UsageError`` for another node."""
        if name != self.manager.name:
            raise UsageError(
                f"the engine of node {name} cannot be asked from here",
                f"only that of {self.manager.name} can, to which the context leads",
            )
        return self.manager

    def endpoints(self) -> list[Endpoint]:
        """The entry port of every node that takes tasks, at the address that its peers use.

        A swarm of one node may have no address: then that of the context is meant.
        """
        return [
            Endpoint(each.name, f"http://{self._reachable(each.address)}:{self.entry_port}")
            for each in swarm_members.listed(self.manager)
            if (each.state, each.availability) == ("ready", "active")
        ]

    def existing(self) -> dict[str, Container]:
        """None: no node is a container of the lab."""
        return {}

    def _reachable(self, address: str) -> str:
        bare = address.strip("[]")
        if bare in NOWHERE:
            return self.host
        return f"[{bare}]" if ":" in bare else bare
