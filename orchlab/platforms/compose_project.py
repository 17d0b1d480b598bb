"""The Compose project in the engine: found by label, changed through ``docker compose``."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import docker
from docker import DockerClient
from docker.errors import NotFound
from docker.models.containers import Container

from orchlab import labels, shell
from orchlab.errors import CommandFailed, OrchlabError, UsageError
from orchlab.platforms.compose_facts import taken_port

PLATFORM = "compose"
SERVICE_KEY = "com.docker.compose.service"
PROBE_SECONDS = 1
SEE_LOGS = f"`docker compose -p {labels.LAB} logs` shows what the containers said"


class Project:
    """This lab's project; it may have no container yet."""

    @cached_property
    def client(self) -> DockerClient:
        """The engine named by the process environment."""
        return docker.from_env()

    @cached_property
    def node(self) -> str:
        """The engine's host name: Compose's one node."""
        return str(self.client.info()["Name"])

    def compose(self, file: Path, *argv: str, variables: dict[str, str] | None = None) -> None:
        """Run ``docker compose``; ``variables`` are those that the file documents.

        Raises ``UsageError`` when a port is taken, else ``CommandFailed``.
        """
        command = ["docker", "compose", "-p", labels.LAB, "-f", str(file), *argv]
        try:
            shell.run(command, env={"ORCHLAB_LAB": labels.LAB, **(variables or {})})
        except CommandFailed as error:
            if port := taken_port(error.output):
                hint = "choose another one, or 0 for any that is free"
                raise UsageError(f"port {port} on 127.0.0.1 is taken", hint) from error
            error.hint = SEE_LOGS
            raise

    def containers(self, service: str = "") -> list[Container]:
        """A service's containers by name, or all, running or not."""
        wanted = labels.selector(PLATFORM)["label"]
        wanted += [f"{SERVICE_KEY}={service}"] if service else []
        found: list[Container] = self.client.containers.list(
            all=True, ignore_removed=True, filters={"label": wanted}
        )
        return sorted(found, key=lambda each: str(each.name))

    def only(self, service: str) -> Container:
        """A service's first container; raises ``OrchlabError`` if it has none."""
        found = self.containers(service)
        if not found:
            raise OrchlabError(f"compose: no {service} container", "`invoke compose-up` makes one")
        return found[0]

    def container(self, identity: str) -> Container:
        """The container of a replica's ``id``; raises ``OrchlabError`` if it is gone."""
        try:
            return self.client.containers.get(identity.partition("/")[0])
        except NotFound as error:
            raise OrchlabError(f"compose: the replica {identity} is gone") from error


def execute(container: Container, *argv: str) -> str:
    """Run a command inside and return its stdout; raises ``CommandFailed``.

    Through the command: the SDK leaves the connection of an exec open.
    """
    return shell.run(["docker", "exec", str(container.name), *argv], echo=False)


def incarnation(container: dict[str, Any]) -> str:
    """Identity of one life of a container (its ``inspect`` answer): a restart makes a new one."""
    return f"{container['Id'][:12]}/{container['State']['StartedAt']}"


def serves(container: dict[str, Any]) -> bool:
    """Whether the engine holds it for healthy, or just running if nothing checks its health."""
    state = container["State"]
    health = (state.get("Health") or {}).get("Status", "healthy")
    return bool(state["Status"] == "running" and health == "healthy")
