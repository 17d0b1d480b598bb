"""The app's stack: deploy it, see its tasks, wait until it has converged, remove it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from docker import DockerClient

from orchlab import labels, paths, shell
from orchlab.errors import OrchlabError
from orchlab.parallel import in_parallel
from orchlab.platforms.swarm_nodes import Engine
from orchlab.wait import wait_until

DataPath = Literal["mesh", "edge"]
"""mesh: virtual IP and routing mesh, by IPVS. edge: HAProxy on every node."""

STACK_LABEL = "com.docker.stack.namespace"
COMMAND_SECONDS = 60.0
CONVERGE_SECONDS = 180.0
REMOVE_SECONDS = 90.0
STUCK = ("paused", "rollback_paused", "rollback_completed")
BUSY = ("updating", "rollback_started")


@dataclass(frozen=True, slots=True)
class Task:
    """One task as the manager knows it; ``name`` is its service and slot.

    ``current``: its container is what the service's newest spec asks for.
    """

    id: str
    name: str
    node: str
    state: str
    container: str
    error: str
    current: bool = True


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack on the swarm of ``manager``, named after the lab."""

    manager: Engine

    @property
    def name(self) -> str:
        """Also the prefix of all the stack's services, networks and volumes."""
        return labels.LAB

    @property
    def environment(self) -> dict[str, str]:
        """What makes the ``docker`` command talk to the manager."""
        return self.manager.environment

    @property
    def chosen(self) -> dict[str, list[str]]:
        """A filter for what belongs to the stack."""
        return {"label": [f"{STACK_LABEL}={self.name}"]}

    def deploy(self, data_path: DataPath, variables: Mapping[str, str]) -> None:
        """Apply the files with these variables; returns when all tasks run.

        Raises ``WaitTimeout`` with the tasks' own errors when they never do. The
        command's own waiting (``--detach=false``) is not used: it sits out each
        service's monitor in turn, 90 s after a restart of all nodes.
        """
        files = [f"--compose-file={path}" for path in files_of(data_path)]
        argv = ["docker", "stack", "deploy", "--prune", "--resolve-image=never"]
        environment = {**self.environment, **variables}
        shell.run([*argv, *files, self.name], env=environment, timeout=COMMAND_SECONDS)
        self.await_converged()

    def services(self) -> list[dict[str, Any]]:
        """The stack's services as the API describes them, with counts of their tasks."""
        with self._api() as client:
            found = client.services.list(filters=self.chosen, status=True)
            return [each.attrs for each in found]

    def service(self, name: str) -> dict[str, Any]:
        """One service by its name in the stack file; raises ``OrchlabError``."""
        for each in self.services():
            if each["Spec"]["Name"] == f"{self.name}_{name}":
                return each
        raise OrchlabError(f"the service {self.name}_{name} is not deployed", "deploy it first")

    def tasks(self, service: str = "", *, wanted: bool = True) -> list[Task]:
        """Tasks of one service or all; only those that should run, or the history too."""
        filters: dict[str, Any] = {**self.chosen}
        if service:
            filters["service"] = f"{self.name}_{service}"
        if wanted:
            filters["desired-state"] = "running"
        with self._api() as client:
            nodes = {
                str(each.id): each.attrs["Description"]["Hostname"] for each in client.nodes.list()
            }
            services = {each.id: each for each in client.services.list(filters=self.chosen)}
            found = client.api.tasks(filters=filters)  # type: ignore[no-untyped-call]
        return [
            _task(each, services[each["ServiceID"]].attrs["Spec"], nodes)
            for each in cast("list[dict[str, Any]]", found)
            if each["ServiceID"] in services
        ]

    def troubles(self) -> str:
        """The distinct errors of all tasks, for a message."""
        errors = {f"{task.name}: {task.error}" for task in self.tasks(wanted=False) if task.error}
        return "; ".join(sorted(errors))

    def await_converged(self) -> None:
        """Return when every service runs all its tasks, as its newest spec has them.

        Comparing the specs covers the moment before the manager begins an update.

        Raises ``WaitTimeout``, or ``OrchlabError`` at once for an update that gave up.
        """
        wait_until(
            f"stack {self.name} converged",
            self._converged,
            timeout=CONVERGE_SECONDS,
            state=lambda: self.troubles() or str(self.tasks()),
            hint="`docker service ps --no-trunc` on the manager shows the tasks' errors",
        )

    def remove(self, nodes: Sequence[Engine]) -> None:
        """Remove the stack and its volumes; the command returns before that is done."""
        shell.run(["docker", "stack", "rm", self.name], env=self.environment)
        wait_until(
            f"stack {self.name} gone",
            lambda: not any(in_parallel(self._remains, nodes)),
            timeout=REMOVE_SECONDS,
            state=lambda: str(in_parallel(self._remains, nodes)),
        )
        in_parallel(self._remove_volumes, nodes)

    def _converged(self) -> bool:
        for service in self.services():
            count, update = service["ServiceStatus"], service.get("UpdateStatus", {})
            if update.get("State") in STUCK:
                name = service["Spec"]["Name"]
                raise OrchlabError(f"the update of {name} gave up: {update.get('Message')}")
            if update.get("State") in BUSY or count["RunningTasks"] != count["DesiredTasks"]:
                return False
        return all(task.current for task in self.tasks())

    def _remains(self, node: Engine) -> list[str]:
        """What is left of the stack on a node, the manager's services included."""
        with closing(node.client()) as client:
            tasks = client.containers.list(all=True, filters={**self.chosen}, ignore_removed=True)
            left = [str(each.name) for each in tasks]
            left += [str(each.name) for each in client.networks.list(filters={**self.chosen})]
            if node == self.manager:
                left += [str(each.name) for each in client.services.list(filters=self.chosen)]
        return left

    def _remove_volumes(self, node: Engine) -> None:
        with closing(node.client()) as client:
            for volume in client.volumes.list(filters={**self.chosen}):
                volume.remove()

    @contextmanager
    def _api(self) -> Iterator[DockerClient]:
        with closing(self.manager.client()) as client:
            yield client


def files_of(data_path: DataPath) -> list[Path]:
    """The stack files of a data path, in the order in which they are merged."""
    return [paths.STACKS / "swarm.yaml", paths.STACKS / f"swarm.{data_path}.yaml"]


def config_hash() -> str:
    """A short hash of the edge's configuration, as part of its name."""
    return hashlib.sha256((paths.STACKS / "edge" / "haproxy.cfg").read_bytes()).hexdigest()[:12]


def _task(attrs: dict[str, Any], spec: dict[str, Any], nodes: dict[str, str]) -> Task:
    status, service = attrs["Status"], spec["Name"]
    node = nodes.get(attrs.get("NodeID", ""), "")
    return Task(
        id=attrs["ID"],
        name=f"{service}.{attrs.get('Slot') or node}",
        node=node,
        state=status["State"],
        container=status.get("ContainerStatus", {}).get("ContainerID", ""),
        error=status.get("Err", ""),
        current=attrs["Spec"]["ContainerSpec"] == spec["TaskTemplate"]["ContainerSpec"],
    )
