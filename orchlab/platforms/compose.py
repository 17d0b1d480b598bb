"""Compose: one engine, one host, the app behind an edge (``stacks/compose.yaml``)."""

from __future__ import annotations

import json
from pathlib import Path
from signal import SIGKILL
from typing import Any

from docker.models.containers import Container

from orchlab import console, labels, shell, sweep
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.store import Image, ImageStore
from orchlab.names import pick
from orchlab.paths import STACKS
from orchlab.platforms import compose_facts as read
from orchlab.platforms import serving
from orchlab.platforms.base import Endpoint, Facts, Release, Replica
from orchlab.platforms.compose_project import (
    PLATFORM,
    SEE_LOGS,
    Project,
    execute,
    incarnation,
    serves,
)
from orchlab.platforms.processes import kill_in_engine
from orchlab.wait import wait_until

FILES = {"defaults": STACKS / "compose.yaml"}
FILE = FILES["defaults"]
EDGE_CONFIG = STACKS / "edge" / "haproxy.cfg"
EDGE_PORT = "8080/tcp"
DATA_PATH = "client, published port, HAProxy edge (replicas found by DNS), bridge network, app"

START_SECONDS = 120
FAULT_SECONDS = 10


class Compose:
    """The app as a Compose project named like the lab.

    ``port`` is the edge's on 127.0.0.1; 0 takes a free one.
    """

    name = PLATFORM
    variants = tuple(FILES)

    def __init__(self, images: ImageStore, port: int = 0) -> None:
        self.images = images
        self.port = port
        self.project = Project()

    def prepare(self) -> None:
        """Bring the images that the stack needs into the engine."""
        self._images()

    def create(self) -> None:
        """Do nothing: the engine is the one node."""

    def publish(self, image: Image) -> None:
        """Do nothing: the one node is the engine that has the image already."""

    def deploy(self, release: Release) -> None:
        """Run a release; returns when every replica has answered through the edge.

        Raises ``UsageError`` for an unknown variant or a port that is taken,
        ``CommandFailed`` when a container does not become healthy and
        ``WaitTimeout`` when a replica cannot be reached.
        """
        (variant,) = pick("variant", release.variant, FILES)
        variables = {
            "APP_IMAGE": release.image.reference,
            **self._images(),
            "WEB_REPLICAS": str(release.replicas),
            "EDGE_PORT": str(self.port),
            "NODE_NAME": self.project.node,
        }
        flags = ["--wait", f"--wait-timeout={START_SECONDS}", "--no-build", "--remove-orphans"]
        with console.step(f"compose: {release.replicas} replicas of {release.image.reference}"):
            self.project.compose(FILES[variant], "up", "-d", *flags, variables=variables)
            serving.wait(self.endpoints, self.replicas, release.replicas, SEE_LOGS)

    def replicas(self) -> list[Replica]:
        """A snapshot of the app's containers, ready as their health check says."""
        return [
            Replica(
                name=each.attrs["Config"]["Hostname"],
                id=incarnation(each.attrs),
                node=self.project.node,
                ready=serves(each.attrs),
            )
            for each in self.project.containers("web")
        ]

    def endpoints(self) -> list[Endpoint]:
        """The edge's address, read back from the engine; empty when it is not up."""
        bound = (each.ports.get(EDGE_PORT) or [] for each in self.project.containers("edge"))
        return [
            Endpoint(self.project.node, f"http://127.0.0.1:{first['HostPort']}")
            for first, *_ in filter(None, bound)
        ]

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command inside a replica; raises ``CommandFailed`` with its exit status."""
        return execute(self.project.container(replica.id), *argv)

    def facts(self) -> Facts:
        """Versions, data path, timers and knobs in force, as the engine reports them."""
        web, redis, edge = (self.project.only(service) for service in ("web", "redis", "edge"))
        engine = self.project.client.version()
        compose = shell.run(["docker", "compose", "version", "--short"], echo=False)
        fsync = execute(redis, "redis-cli", "CONFIG", "GET", "appendfsync")
        versions = {
            "docker engine": engine["Version"],
            "compose": compose.strip(),
            "redis": read.first_version(execute(redis, "redis-server", "--version")),
            "haproxy": read.first_version(execute(edge, "haproxy", "-v")),
            "kernel": engine["KernelVersion"],
        }
        knobs = {
            "restart policy": read.restart_policy(web.attrs),
            "restart delay": read.RESTART_DELAY,
            "health check": read.health_check(web.attrs),
            "unhealthy container": "left alone (default)",
            "stop grace": read.stop_grace(web.attrs),
            "edge check": read.edge_check(EDGE_CONFIG.read_text()),
            "redis appendfsync": read.append_fsync(fsync),
        }
        return Facts(versions, DATA_PATH, knobs)

    def collect_logs(self, into: Path) -> None:
        """Write each container's log as ``<name>.log`` and their states as ``states.json``."""
        into.mkdir(parents=True, exist_ok=True)
        states: dict[str, Any] = {}
        for each in self.project.containers():
            (into / f"{each.name}.log").write_bytes(each.logs(timestamps=True))
            state = each.attrs["State"]
            states[str(each.name)] = {"restarts": each.attrs["RestartCount"], "state": state}
        (into / "states.json").write_text(json.dumps(states, indent=2))

    def undeploy(self) -> None:
        """Remove the app, its networks and its data."""
        with console.step("compose: remove the app and its data"):
            self.project.compose(FILE, "down", "--volumes", "--remove-orphans")

    def delete(self) -> None:
        """Remove everything that carries this platform's label, even without its file."""
        sweep.sweep(labels.LAB, self.name)

    def crash(self, replica: Replica) -> None:
        """SIGKILL the app process behind the engine's back; raises unless it is gone."""
        container = self.project.container(replica.id)
        if incarnation(container.attrs) != replica.id:
            raise OrchlabError(f"{replica.name} has been replaced meanwhile: nothing was killed")
        kill_in_engine(container, SIGKILL)

        def gone() -> bool:
            container.reload()
            return container.status != "running" or incarnation(container.attrs) != replica.id

        wait_until(f"{replica.name}: process gone", gone, timeout=FAULT_SECONDS, pause=0.02)

    def recreate_store(self) -> None:
        """Replace the Redis container by a new one; returns when the app reaches it again."""
        before = self.project.only("redis").id
        flags = ["--force-recreate", "--no-deps"]
        with console.step("compose: a new Redis container on the same volume"):
            self.project.compose(FILE, "up", "-d", *flags, "redis", variables=self._images())
            redis = self.project.only("redis")
            if redis.id == before:
                raise OrchlabError("the Redis container was not replaced")
            wait_until("Redis answers", lambda: _pings(redis), timeout=START_SECONDS)
            serving.wait_for_store(self.endpoints, len(self.replicas()))

    def _images(self) -> dict[str, str]:
        """The file's variables for the images that come from the catalogue."""
        names = {"REDIS_IMAGE": "redis", "HAPROXY_IMAGE": "haproxy"}
        return {key: self.images.ensure(name).reference for key, name in names.items()}


def _pings(redis: Container) -> bool:
    """False too while the container is still starting."""
    try:
        return "PONG" in execute(redis, "redis-cli", "PING")
    except CommandFailed:
        return False
