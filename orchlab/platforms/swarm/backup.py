"""Where a swarm has the app's data: in volumes of its nodes, or in the replicas themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from orchlab import console, shell
from orchlab.parallel import in_parallel
from orchlab.platforms import helper, serving
from orchlab.platforms.capabilities import Place
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm import processes
from orchlab.platforms.swarm.faults import Faults
from orchlab.wait import wait_until

STORE_VOLUME = "redis-data"
STOP_SECONDS = 60.0


class Backup(Faults):
    """The data of the stack. A helper runs on the node of its volume, beside Swarm's own tasks."""

    def file_places(self) -> list[Place]:
        """A volume on each node that ever had a replica; without volumes each replica."""
        volume = mounted(self._web())
        if volume:
            nodes = [node for node in self.fleet.members if _has(node, volume)]
            return [self._volume(node, volume, helper.APP_USER) for node in nodes]
        return [
            Place(
                f"replica {task.name}",
                helper.runner(
                    ["docker", "exec", "--interactive", task.container],
                    self.fleet.node(task.node).environment,
                ),
                lasting=False,
            )
            for task in self.stack.tasks("web")
            if task.state == "running"
        ]

    @contextmanager
    def store_place(self) -> Iterator[Place]:
        """Redis' volume; the helper lives as long as each of its commands."""
        members = swarm_members.listed(self.fleet.manager)
        held = next(each.name for each in members if each.store)
        volume = f"{self.stack.name}_{STORE_VOLUME}"
        yield self._volume(self.fleet.node(held), volume, helper.STORE_USER)

    @contextmanager
    def store_stopped(self) -> Iterator[None]:
        """Redis has no task for the block, and one after it whatever happened in it."""
        running = [task for task in self.stack.tasks("redis") if task.container]
        try:
            self._scale_store(0)
            wait_until(
                "Redis has ended",
                lambda: (
                    not any(in_parallel(lambda task: processes.process(self.fleet, task), running))
                ),
                timeout=STOP_SECONDS,
            )
            yield
        finally:
            with shell.undisturbed():
                self._scale_store(1)
        with console.step("swarm: the app reaches Redis again"):
            self.stack.await_converged()
            serving.wait_for_store(self.endpoints, len(self.replicas()))

    def _scale_store(self, tasks: int) -> None:
        self.stack.run("service", "scale", "--detach", f"{self.stack.name}_redis={tasks}")

    def _web(self) -> dict[str, Any]:
        """The container of web as its service has it; raises ``OrchlabError`` if none is there."""
        found: dict[str, Any] = self.stack.service("web")["Spec"]["TaskTemplate"]["ContainerSpec"]
        return found

    def _volume(self, node: Node, volume: str, user: str) -> Place:
        """As the app's image sees it, which has Python."""
        start = helper.command(volume, user, str(self._web()["Image"]), self.name)
        return Place(f"volume {volume} of {node.name}", helper.runner(start, node.environment))


def mounted(container: dict[str, Any]) -> str:
    """The volume that the container has its data in; empty for none."""
    mounts = (each for each in container.get("Mounts", []) if each["Target"] == helper.DATA)
    return next((str(each["Source"]) for each in mounts if each["Type"] == "volume"), "")


def _has(node: Node, volume: str) -> bool:
    with closing(node.client()) as client:
        found = client.volumes.list(filters={"name": volume})  # of which it may be a part
        return any(each.name == volume for each in found)
