"""The Compose project in the engine: found by label, changed through ``docker compose``."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import docker
from docker import DockerClient
from docker.errors import NotFound
from docker.models.containers import Container
from docker.models.volumes import Volume

from orchlab import labels, paths, shell
from orchlab.apps import LABS_OWN, App
from orchlab.errors import CommandFailed, OrchlabError, UsageError
from orchlab.platforms.base import DEFAULTS, HARDENED
from orchlab.platforms.compose import files
from orchlab.platforms.compose.facts import taken_port
from orchlab.platforms.compose.health import trouble
from orchlab.platforms.compose.stack import (
    FILES,
    PLATFORM,
    PROJECT_KEY,
    SERVICE_KEY,
    VARIANT_KEY,
    Deployment,
    read_back,
)

UP = ("up", "-d", "--no-build", "--pull=never")
"""Images were provided before: a name that the engine does not have is a mistake."""
SEE_LOGS = "`invoke compose-status` shows what runs, `invoke compose-logs` what the app said"
BRING_UP = "`invoke compose-up` brings the app up"


class Project:
    """This lab's project; it may have no container yet.

    ``elsewhere``: address of the engine if it is another host's, which has no files of
    this one. ``app`` is what the file is to run.
    """

    def __init__(self, elsewhere: str = "", app: App = LABS_OWN) -> None:
        self.elsewhere = elsewhere
        self.app = app

    @cached_property
    def client(self) -> DockerClient:
        """The engine named by the process environment."""
        return docker.from_env()

    @cached_property
    def info(self) -> dict[str, Any]:
        """What the engine says about its host."""
        return dict(self.client.info())

    @property
    def node(self) -> str:
        """The engine's host name: Compose's one node."""
        return str(self.info["Name"])

    def apply(self, deployment: Deployment, *argv: str) -> None:
        """Run ``docker compose`` with every variable that the deployment leaves open.

        Raises ``UsageError`` when a port is taken, else ``CommandFailed``.
        """
        given = deployment.variables() | self.app.variables() | self._of_host(deployment.variant)
        try:
            self.compose(deployment.variant, *argv, **given)
        except CommandFailed as error:
            if port := taken_port(error.output, deployment.port):
                hint = "choose another one, or 0 for any that is free"
                raise UsageError(f"port {port} on 127.0.0.1 is taken", hint) from error
            raise

    def compose(self, variant: str, *argv: str, **variables: str) -> None:
        """Run ``docker compose`` on a variant's file; raises ``CommandFailed``."""
        command, environment = self.command(variant, *argv)
        try:
            shell.run(command, env=environment | variables)
        except CommandFailed as error:
            error.hint = SEE_LOGS
            raise

    def command(self, variant: str, *argv: str) -> tuple[list[str], dict[str, str]]:
        """A ``docker compose`` and the variables without which it does not read the file."""
        file = FILES.get(variant, FILES[DEFAULTS])
        required = {"API_KEY_FILE": str(files.sources()["API_KEY_FILE"])}
        environment = {"ORCHLAB_LAB": labels.LAB} | (required if variant == HARDENED else {})
        given = (file, *self.app.override(paths.lab_dir()))
        words = [word for each in given for word in ("-f", str(each))]
        return ["docker", "compose", "-p", labels.LAB, *words, *argv], environment

    def containers(self, service: str = "") -> list[Container]:
        """A service's containers by name, or all, running or not."""
        wanted = labels.selector(PLATFORM)["label"]
        wanted += [f"{SERVICE_KEY}={service}"] if service else [SERVICE_KEY]
        wanted += [f"{PROJECT_KEY}={labels.LAB}"]  # a job is a project of its own
        found: list[Container] = self.client.containers.list(
            all=True, ignore_removed=True, filters={"label": wanted}
        )
        return sorted(found, key=lambda each: str(each.name))

    def volumes(self) -> list[Volume]:
        """The stack's volumes by name; they may outlive its containers."""
        found: list[Volume] = self.client.volumes.list(filters=labels.selector(PLATFORM))
        return sorted(found, key=lambda each: str(each.name))

    def only(self, service: str) -> Container:
        """A service's first container; raises ``OrchlabError`` if it has none."""
        found = self.containers(service)
        if not found:
            raise OrchlabError(f"compose: no {service} container", BRING_UP)
        return found[0]

    def container(self, identity: str) -> Container:
        """The container of a replica's ``id``; raises ``OrchlabError`` if it is gone."""
        try:
            return self.client.containers.get(identity.partition("/")[0])
        except NotFound as error:
            raise OrchlabError(f"compose: the replica {identity} is gone") from error

    def found(self) -> Deployment | None:
        """What was deployed, read back from the containers; None without any replica."""
        return read_back(each.attrs for each in self.containers())

    def deployment(self) -> Deployment:
        """The same; raises ``OrchlabError`` when neither variant is up."""
        found = self.found()
        if found is None or found.variant not in FILES:
            raise OrchlabError(f"compose: neither {' nor '.join(FILES)} is up", BRING_UP)
        return found

    def variant(self) -> str:
        """The variant of whatever is left of the stack; empty when nothing is."""
        marks = (each.labels.get(VARIANT_KEY, DEFAULTS) for each in self.containers())
        return next(marks, "")

    def _of_host(self, variant: str) -> dict[str, str]:
        """Variables whose values depend on the engine's host."""
        given = {"NODE_NAME": self.node}
        if variant != HARDENED:
            return given
        given["CONFIG_HASH"] = files.config_hash()
        if not self.info["CpuCfsQuota"]:
            given["CPU_LIMIT"] = "0"  # such an engine refuses a limit instead of leaving it out
        return given | (files.places(self.client) if self.elsewhere else {})


def execute(container: Container, *argv: str) -> str:
    """Run a command inside and return its stdout; raises ``CommandFailed``.

    Through the command: the SDK leaves the connection of an exec open.
    """
    return shell.run(["docker", "exec", str(container.name), *argv], echo=False)


def why(container: Container) -> str:
    """What is wrong with a container that is in trouble, and the last line that it wrote."""
    words = container.logs(tail=1).decode(errors="replace").strip()
    said = f"; it said: {words}" if words else ""
    return f"{container.name}: {trouble(container.attrs)}{said}"


def incarnation(container: dict[str, Any]) -> str:
    """Identity of one life of a container (its ``inspect`` answer): a restart makes a new one."""
    return f"{container['Id'][:12]}/{container['State']['StartedAt']}"
