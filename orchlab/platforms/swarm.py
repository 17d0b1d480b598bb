"""The app on a Docker Swarm of several nodes, all of them on this machine."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from docker.errors import NotFound

from orchlab import labels, shell, sweep
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.registry import Registry
from orchlab.images.store import ImageStore
from orchlab.platforms import serving, swarm_cluster
from orchlab.platforms.base import Replica
from orchlab.platforms.redis_cli import conversation
from orchlab.platforms.swarm_app import SwarmApp
from orchlab.platforms.swarm_fleet import Fleet
from orchlab.platforms.swarm_node_faults import FleetFaults
from orchlab.platforms.swarm_stack import Task
from orchlab.wait import wait_until

if TYPE_CHECKING:
    from docker.models.containers import Container

GONE_SECONDS = 10.0
STORE_SECONDS = 60.0


class Swarm(SwarmApp, FleetFaults):
    """Platform ``swarm``: nodes of the lab's own, each a privileged container."""

    registry: Registry

    def __init__(self, images: ImageStore, fleet: Fleet | None = None) -> None:
        self.fleet = fleet or Fleet()
        super().__init__(images, self.fleet, Registry(images))

    def prepare(self) -> None:
        """Bring the images of nodes, registry and stack into the engine."""
        for name in ("swarm-node", "registry", "redis"):
            self.images.ensure(name)
        if self.data_path == "edge":
            self.images.ensure("haproxy")

    def create(self) -> None:
        """Make the swarm, or use the one that is there; what is broken is built anew."""
        image = self.images.ensure("swarm-node")
        self.fleet.ensure_network()
        self.registry.start(self.fleet.network)
        swarm_cluster.ensure(self.fleet, image.reference, self.registry.host)

    def delete(self) -> None:
        """Remove nodes, their volumes and network; the shared registry only leaves it."""
        self.fleet.remove()
        sweep.sweep(labels.LAB, self.name)

    def crash(self, replica: Replica) -> None:
        """SIGKILL the app process from its node; raises unless the container has ended."""
        self._kill(self._task("web", replica.id))

    def crash_store(self) -> None:
        """SIGKILL Redis from its node; raises unless the container has ended."""
        self._kill(self._store())

    def ask_store(self, *commands: str) -> list[str]:
        """Send commands to Redis over one connection; raises ``CommandFailed``."""
        return self._exec(self._store(), *conversation(*commands), echo=False).splitlines()

    def recreate_store(self) -> None:
        """Replace the Redis task; returns when the app reaches the new one.

        Raises ``OrchlabError`` when the new one has another volume.
        """
        old = self._store()
        volumes = self._volumes(old)
        argv = ["docker", "service", "update", "--force", "--detach", f"{self.stack.name}_redis"]
        shell.run(argv, env=self.stack.environment)
        wait_until(
            "the new Redis answers",
            lambda: self._answers_instead_of(old),
            timeout=STORE_SECONDS,
            pause=0.1,
            state=lambda: str(self.stack.tasks("redis")),
        )
        if self._volumes(self._store()) != volumes:
            raise OrchlabError(f"the new Redis has other volumes than the old one: {volumes}")
        serving.wait_for_store(self.endpoints, len(self.replicas()))

    def _kill(self, task: Task) -> None:
        node = self.fleet.node(task.node)
        with closing(node.client()) as client:
            container = client.containers.get(task.container)
            pid = int(container.attrs["State"]["Pid"])
            if not pid:
                raise OrchlabError(f"{task.name} does not run: nothing to kill")
            node.kill_process(pid)
            wait_until(
                f"process {pid} of {task.name} gone",
                lambda: _ended(container),
                timeout=GONE_SECONDS,
                pause=0.05,
            )

    def _store(self) -> Task:
        running = [task for task in self.stack.tasks("redis") if task.state == "running"]
        if len(running) != 1:
            raise OrchlabError(f"{len(running)} Redis tasks run instead of one", "deploy again")
        return running[0]

    def _answers_instead_of(self, old: Task) -> bool:
        running = [task for task in self.stack.tasks("redis") if task.state == "running"]
        if [task.id for task in running] in ([], [old.id]):
            return False
        try:
            return self._exec(running[0], "redis-cli", "ping", echo=False).strip() == "PONG"
        except CommandFailed:  # it refuses connections until its file is loaded
            return False

    def _volumes(self, task: Task) -> list[str]:
        with closing(self.fleet.node(task.node).client()) as client:
            mounts = client.containers.get(task.container).attrs["Mounts"]
        return [mount["Name"] for mount in mounts if mount["Type"] == "volume"]


def _ended(container: Container) -> bool:
    try:
        container.reload()
    except NotFound:
        return True
    return container.status in ("exited", "dead", "removing")
