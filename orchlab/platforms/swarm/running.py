"""The app as it runs on a swarm: what the adapter's capabilities share."""

from __future__ import annotations

from contextlib import suppress

import requests
from docker.errors import DockerException

from orchlab import console, shell
from orchlab.engine import host
from orchlab.errors import OrchlabError
from orchlab.images.given_registry import ImageSource
from orchlab.images.store import ImageStore
from orchlab.platforms.base import Endpoint, Replica
from orchlab.platforms.nodes import PLATFORM
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm.files import DATA_PATH_LABEL, DataPath, data_path_named
from orchlab.platforms.swarm.nodes import Nodes
from orchlab.platforms.swarm.rollout import Rollouts
from orchlab.platforms.swarm.stack import Stack
from orchlab.platforms.swarm.tasks import Task

LIVE = ("starting", "running")


class Running:
    """Replicas, entry points, and ways to the stack and its tasks."""

    name = PLATFORM

    def __init__(self, images: ImageStore, swarm_nodes: Nodes, registry: ImageSource) -> None:
        self.images = images
        self.swarm_nodes = swarm_nodes
        self.registry = registry
        self._chosen: DataPath | None = None

    @property
    def data_path(self) -> DataPath:
        """How requests travel: as chosen, else as deployed, else by what the kernel can do."""
        return self._chosen or self._deployed_data_path() or self.detected_data_path()

    def choose_data_path(self, data_path: DataPath) -> None:
        """Deploy with this one, whatever the kernel can do; said if that is another."""
        if data_path == "mesh" and self.detected_data_path() != "mesh":
            console.warn("no IPVS was found here: a mesh answers only on nodes that have it")
        self._chosen = data_path

    def detected_data_path(self) -> DataPath:
        """The routing mesh where the kernel can do it, else the edge."""
        return "mesh" if host.ipvs_available() else "edge"

    @property
    def stack(self) -> Stack:
        """The app's stack on this swarm."""
        return Stack(self.swarm_nodes.manager)

    @property
    def rollouts(self) -> Rollouts:
        """The changes of the app's service."""
        return Rollouts(self.stack)

    def replicas(self) -> list[Replica]:
        """Tasks of web whose container has started; ready once their health check passed."""
        return [
            Replica(task.name, task.id, task.node, task.state == "running", task.image)
            for task in self.stack.tasks("web")
            if task.state in LIVE
        ]

    def endpoints(self) -> list[Endpoint]:
        """The entry port of every node; without the edge of a drained one nobody listens there."""
        endpoints = self.swarm_nodes.endpoints()
        if self.data_path == "mesh":
            return endpoints
        members = swarm_members.listed(self.swarm_nodes.manager)
        drained = {each.name for each in members if each.availability == "drain"}
        return [each for each in endpoints if each.node not in drained]

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command in the replica's container, through its node's engine."""
        return self._exec(self._task("web", replica.id), *argv)

    def _deployed_data_path(self) -> DataPath | None:
        """What the service's label says; None where nothing runs, or nobody can be asked yet."""
        with suppress(OrchlabError, DockerException, requests.RequestException):
            web = self.stack.find("web") if self.swarm_nodes.up() else None
            return data_path_named(web["Spec"]["Labels"].get(DATA_PATH_LABEL, "")) if web else None
        return None

    def _task(self, service: str, task_id: str) -> Task:
        for task in self.stack.tasks(service, wanted=False):
            if task.id == task_id:
                return task
        raise OrchlabError(f"the swarm has no task {task_id}", "it was replaced meanwhile")

    def _store(self) -> Task:
        running = [task for task in self.stack.tasks("redis") if task.state == "running"]
        if len(running) != 1:
            raise OrchlabError(f"{len(running)} Redis tasks run instead of one", "deploy again")
        return running[0]

    def _exec(self, task: Task, *argv: str, echo: bool = True) -> str:
        """Through the command, because the SDK leaves the socket of an exec open."""
        environment = self.swarm_nodes.node(task.node).environment
        return shell.run(["docker", "exec", task.container, *argv], env=environment, echo=echo)
