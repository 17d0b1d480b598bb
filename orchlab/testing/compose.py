"""Somebody's Compose file: brought up as a project of the lab's, broken, removed by label."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

import docker
from docker.models.containers import Container

from orchlab import labels, shell, sweep
from orchlab.errors import OrchlabError
from orchlab.platforms.base import Endpoint, Replica
from orchlab.platforms.compose import faults, logs
from orchlab.platforms.compose.health import serves
from orchlab.platforms.compose.project import execute, incarnation
from orchlab.platforms.compose.stack import SERVICE_KEY
from orchlab.testing.lab import Lab
from orchlab.testing.stacks import directory, named

UP = ("up", "--detach", "--wait", "--wait-timeout=120")
PROJECT_KEY = "com.docker.compose.project"
LABELLED = ("services", "networks", "volumes")


class ComposeStack:
    """A Compose file that is up, as project ``name``; every service is healthy, or just runs."""

    def __init__(self, file: Path) -> None:
        self.file = file.resolve()
        self.name = named(file)

    def heal(self) -> None:
        """Bring up what is not up; what runs unchanged is left alone. Raises ``CommandFailed``."""
        self.compose("-f", str(self._labels()), *UP)

    def compose(self, *argv: str) -> str:
        """What ``docker compose`` printed on this file; raises ``CommandFailed``."""
        return shell.run(["docker", "compose", "-p", self.name, "-f", self.file, *argv])

    def containers(self, service: str = "") -> list[Container]:
        """A service's containers by name, or all, running or not, as Docker's client has them."""
        wanted = [f"{PROJECT_KEY}={self.name}"]
        wanted += [f"{SERVICE_KEY}={service}"] if service else []
        found: list[Container] = docker.from_env().containers.list(
            all=True, ignore_removed=True, filters={"label": wanted}
        )
        return sorted(found, key=lambda each: str(each.name))

    def replicas(self, service: str = "") -> list[Replica]:
        """The same as replicas, ready as their health check says."""
        return [
            Replica(str(each.name), incarnation(each.attrs), "", ready=serves(each.attrs))
            for each in self.containers(service)
        ]

    def endpoints(self, service: str, port: int) -> list[Endpoint]:
        """Where a service's containers publish a port of theirs, one for each."""
        return [
            Endpoint(str(each.name), f"http://127.0.0.1:{bound[0]['HostPort']}")
            for each in self.containers(service)
            if (bound := each.ports.get(f"{port}/tcp"))
        ]

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command inside and return its stdout; raises ``CommandFailed``."""
        return execute(self._same(replica), *argv)

    def crash(self, replica: Replica) -> None:
        """SIGKILL its process behind the engine's back; raises unless it is gone."""
        faults.kill(self._same(replica))

    def hang(self, replica: Replica) -> None:
        """SIGSTOP its process behind the engine's back; raises unless it is stopped."""
        faults.signal_process(self._same(replica), SIGSTOP)

    def resume(self, replica: Replica) -> None:
        """SIGCONT it; nothing to do for one that was replaced meanwhile."""
        if replica.id in {each.id for each in self.replicas()}:
            faults.signal_process(self._same(replica), SIGCONT)

    def collect_logs(self, into: Path) -> None:
        """Each container's log as ``<name>.log``, ``states.json`` and ``events.txt``."""
        logs.collect(self.containers(), [f"{PROJECT_KEY}={self.name}"], into)

    def _same(self, replica: Replica) -> Container:
        for each in self.containers():
            if incarnation(each.attrs) == replica.id:
                return each
        raise OrchlabError(f"{replica.name} has been replaced meanwhile", "ask for replicas anew")

    def _labels(self) -> Path:
        """A file that adds the lab's labels, so that all is found whatever becomes of the tests."""
        found: dict[str, dict[str, Any]] = json.loads(self.compose("config", "--format=json"))
        marks = {"labels": labels.labels(self.name)}
        own = {
            kind: {name: marks for name, each in found[kind].items() if not _external(each)}
            for kind in LABELLED
            if found.get(kind)
        }
        path = directory() / f"{self.name}.labels.json"
        path.write_text(json.dumps(own, indent=2))
        return path


@contextmanager
def up(lab: Lab, file: Path) -> Iterator[ComposeStack]:
    """A stack for the length of the block; its containers, networks and volumes go with it."""
    stack = ComposeStack(file)
    try:
        stack.heal()
        yield stack
    finally:
        if not lab.keep:
            sweep.sweep(labels.LAB, stack.name)
            sweep.leftover(labels.LAB)


def _external(described: dict[str, Any] | None) -> bool:
    return bool((described or {}).get("external"))
