"""The app on a Docker Swarm of several nodes, all of them on this machine."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import NotFound

from orchlab import console, labels, shell, sweep
from orchlab.engine import host
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.registry import Registry
from orchlab.images.store import Image, ImageStore
from orchlab.names import pick
from orchlab.parallel import in_parallel
from orchlab.platforms import serving, swarm_cluster, swarm_facts, swarm_logs
from orchlab.platforms.base import Endpoint, Facts, Release, Replica
from orchlab.platforms.nodes import PLATFORM, Node
from orchlab.platforms.swarm_fleet import Fleet
from orchlab.platforms.swarm_node_faults import FleetFaults
from orchlab.platforms.swarm_stack import DataPath, Stack, Task, config_hash
from orchlab.wait import wait_until

if TYPE_CHECKING:
    from docker.models.containers import Container

VARIANTS: tuple[str, ...] = ("defaults",)
LIVE = ("starting", "running")
PULL_SECONDS = 300.0
GONE_SECONDS = 10.0
STORE_SECONDS = 60.0


class Swarm(FleetFaults):
    """Platform ``swarm``: nodes of the lab's own, each a privileged container."""

    name = PLATFORM
    variants = VARIANTS

    def __init__(self, images: ImageStore, fleet: Fleet | None = None) -> None:
        self.images = images
        self.registry = Registry(images)
        self.fleet = fleet or Fleet()

    @cached_property
    def data_path(self) -> DataPath:
        """The routing mesh where the kernel can do it, else the edge."""
        return "mesh" if host.ipvs_available() else "edge"

    @property
    def stack(self) -> Stack:
        """The app's stack on this swarm."""
        return Stack(self.fleet.manager)

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

    def publish(self, image: Image) -> None:
        """Push to the registry and pull on every node, so that no start waits for a pull.

        Raises ``OrchlabError`` unless all nodes have the same bits: Swarm itself never asks.
        """
        reference = self.registry.push(image)

        def pull(node: Node) -> str:
            with closing(node.client(timeout=PULL_SECONDS)) as client:
                return str(client.images.pull(reference).id)

        with console.step(f"swarm: {reference} to every node"):
            ids = in_parallel(pull, self.fleet.all)
        if len(set(ids)) != 1:
            raise OrchlabError(f"nodes have different images as {reference}: {ids}", "try again")

    def deploy(self, release: Release) -> None:
        """Deploy the stack; returns when every node serves and every replica was met.

        Raises ``UsageError`` for an unknown variant, ``OrchlabError`` with the tasks'
        own errors when they do not start, and ``WaitTimeout``.
        """
        pick("variant", release.variant, VARIANTS)
        variables = {
            "ORCHLAB_LAB": labels.LAB,
            "APP_IMAGE": self.registry.push(release.image),
            "REDIS_IMAGE": self.registry.push(self.images.ensure("redis")),
            "WEB_REPLICAS": str(release.replicas),
        }
        if self.data_path == "edge":
            haproxy = self.images.ensure("haproxy")
            variables |= {
                "HAPROXY_IMAGE": self.registry.push(haproxy),
                "CONFIG_HASH": config_hash(),
            }
        with console.step(f"swarm: deploy {release.image.reference} x {release.replicas}"):
            self.stack.deploy(self.data_path, variables)
            serving.wait(self.endpoints, self.replicas, release.replicas)

    def replicas(self) -> list[Replica]:
        """Tasks of web whose container has started; ready once their health check passed."""
        return [
            Replica(name=task.name, id=task.id, node=task.node, ready=task.state == "running")
            for task in self.stack.tasks("web")
            if task.state in LIVE
        ]

    def endpoints(self) -> list[Endpoint]:
        """The entry port of every node."""
        return [node.endpoint() for node in self.fleet.all]

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command in the replica's container, through its node's engine."""
        return self._exec(self._task("web", replica.id), *argv)

    def facts(self) -> Facts:
        """Engine versions, data path and the knobs that the service has."""
        return swarm_facts.facts(self.stack, self.data_path)

    def collect_logs(self, into: Path) -> None:
        """Logs of services and node daemons, and the history of tasks."""
        if self.fleet.existing():
            swarm_logs.collect(self.stack, self.fleet, into)

    def undeploy(self) -> None:
        """Remove the stack with its networks and volumes; the nodes stay."""
        if self.fleet.existing():
            self.stack.remove(self.fleet.all)

    def delete(self) -> None:
        """Remove nodes, their volumes and network; the shared registry only leaves it."""
        self.fleet.remove()
        sweep.sweep(labels.LAB, self.name)

    def crash(self, replica: Replica) -> None:
        """SIGKILL the app process from its node; raises unless the container has ended."""
        task = self._task("web", replica.id)
        node = self._node(task.node)
        with closing(node.client()) as client:
            container = client.containers.get(task.container)
            pid = int(container.attrs["State"]["Pid"])
            if not pid:
                raise OrchlabError(f"replica {replica.name} does not run: nothing to kill")
            node.kill_process(pid)
            wait_until(
                f"process {pid} of {replica.name} gone",
                lambda: _ended(container),
                timeout=GONE_SECONDS,
                pause=0.05,
            )

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

    def _task(self, service: str, task_id: str) -> Task:
        for task in self.stack.tasks(service, wanted=False):
            if task.id == task_id:
                return task
        raise OrchlabError(f"the swarm has no task {task_id}", "it was replaced meanwhile")

    def _node(self, name: str) -> Node:
        return next(node for node in self.fleet.all if node.name == name)

    def _exec(self, task: Task, *argv: str, echo: bool = True) -> str:
        """Through the command, because the SDK leaves the socket of an exec open."""
        environment = {"DOCKER_HOST": self._node(task.node).url}
        return shell.run(["docker", "exec", task.container, *argv], env=environment, echo=echo)

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
        with closing(self._node(task.node).client()) as client:
            mounts = client.containers.get(task.container).attrs["Mounts"]
        return [mount["Name"] for mount in mounts if mount["Type"] == "volume"]


def _ended(container: Container) -> bool:
    try:
        container.reload()
    except NotFound:
        return True
    return container.status in ("exited", "dead", "removing")
