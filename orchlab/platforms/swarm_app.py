"""The app on a swarm, whoever owns the nodes: all that works through a manager."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from pathlib import Path

from orchlab import console, labels, shell
from orchlab.engine import host
from orchlab.errors import OrchlabError
from orchlab.images.store import Image, ImageStore
from orchlab.names import pick
from orchlab.parallel import in_parallel
from orchlab.platforms import serving, swarm_facts, swarm_logs
from orchlab.platforms.base import Endpoint, Facts, Release, Replica
from orchlab.platforms.nodes import PLATFORM
from orchlab.platforms.swarm_nodes import Engine, ImageSource, Nodes
from orchlab.platforms.swarm_stack import DataPath, Stack, Task, config_hash

VARIANTS: tuple[str, ...] = ("defaults",)
LIVE = ("starting", "running")
PULL_SECONDS = 300.0


class SwarmApp:
    """The app as a stack named like the lab, on ``swarm_nodes``, pulled from ``registry``."""

    name = PLATFORM
    variants = VARIANTS

    def __init__(self, images: ImageStore, swarm_nodes: Nodes, registry: ImageSource) -> None:
        self.images = images
        self.swarm_nodes = swarm_nodes
        self.registry = registry

    @cached_property
    def data_path(self) -> DataPath:
        """How requests travel: chosen once per process."""
        return self.detected_data_path()

    def detected_data_path(self) -> DataPath:
        """The routing mesh where the kernel can do it, else the edge."""
        return "mesh" if host.ipvs_available() else "edge"

    @property
    def stack(self) -> Stack:
        """The app's stack on this swarm."""
        return Stack(self.swarm_nodes.manager)

    def publish(self, image: Image) -> None:
        """Push to the registry and pull on every node, so that no start waits for a pull.

        Raises ``OrchlabError`` unless all nodes have the same bits: Swarm itself never asks.
        """
        reference = self.registry.push(image)

        def pull(node: Engine) -> str:
            with closing(node.client(timeout=PULL_SECONDS)) as client:
                return str(client.images.pull(reference).id)

        with console.step(f"swarm: {reference} to every node"):
            ids = in_parallel(pull, self.swarm_nodes.all)
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
            "ENTRY_PORT": str(self.swarm_nodes.entry_port),
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
        return self.swarm_nodes.endpoints()

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command in the replica's container, through its node's engine."""
        return self._exec(self._task("web", replica.id), *argv)

    def facts(self) -> Facts:
        """Engine versions, data path and the knobs that the service has."""
        return swarm_facts.facts(self.stack, self.data_path)

    def collect_logs(self, into: Path) -> None:
        """Logs of services and node daemons, and the history of tasks."""
        if self.swarm_nodes.up():
            swarm_logs.collect(self.stack, self.swarm_nodes, into)

    def undeploy(self) -> None:
        """Remove the stack with its networks and volumes; the nodes stay."""
        if self.swarm_nodes.up():
            self.stack.remove(self.swarm_nodes.all)

    def _task(self, service: str, task_id: str) -> Task:
        for task in self.stack.tasks(service, wanted=False):
            if task.id == task_id:
                return task
        raise OrchlabError(f"the swarm has no task {task_id}", "it was replaced meanwhile")

    def _exec(self, task: Task, *argv: str, echo: bool = True) -> str:
        """Through the command, because the SDK leaves the socket of an exec open."""
        environment = self.swarm_nodes.node(task.node).environment
        return shell.run(["docker", "exec", task.container, *argv], env=environment, echo=echo)
