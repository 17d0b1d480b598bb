"""The app's stack: deploy it, see its services and tasks, wait until it has converged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from docker import DockerClient

from orchlab import labels, shell
from orchlab.errors import OrchlabError
from orchlab.platforms.swarm import tasks as swarm_tasks
from orchlab.platforms.swarm.files import Plan
from orchlab.platforms.swarm.members import host_name
from orchlab.platforms.swarm.nodes import Engine
from orchlab.platforms.swarm.tasks import Task
from orchlab.wait import wait_until

STACK_LABEL = "com.docker.stack.namespace"
COMMAND_SECONDS = 60.0
CONVERGE_SECONDS = 180.0
HALTED = ("paused", "rollback_paused")
UNDONE = "rollback_completed"
BUSY = ("updating", "rollback_started")
SEE_TASKS = "`invoke swarm-status` shows the tasks with their errors, `swarm-logs` what they said"


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack on the swarm of ``manager``.

    ``name`` is the prefix of all its services, networks and volumes; the app's is the lab's.
    """

    manager: Engine
    name: str = field(default_factory=lambda: labels.LAB)

    @property
    def environment(self) -> dict[str, str]:
        """What makes the ``docker`` command talk to the manager."""
        return self.manager.environment

    @property
    def chosen(self) -> dict[str, list[str]]:
        """A filter for what belongs to the stack."""
        return {"label": [f"{STACK_LABEL}={self.name}"]}

    @contextmanager
    def api(self) -> Iterator[DockerClient]:
        """A client of the manager's engine."""
        with closing(self.manager.client()) as client:
            yield client

    def run(self, *argv: str) -> str:
        """What a ``docker`` command printed on the manager; raises ``CommandFailed``."""
        return shell.run(["docker", *argv], env=self.environment, timeout=COMMAND_SECONDS)

    def deploy(self, plan: Plan, variables: Mapping[str, str]) -> None:
        """Apply the plan's files with these variables; returns when all tasks run.

        Raises ``WaitTimeout`` with the tasks' own errors when they never do, and
        ``OrchlabError`` when Swarm gave an update up. The command's own waiting
        (``--detach=false``) is not used: it sits out each service's monitor in
        turn, 90 s after a restart of all nodes.
        """
        files = [f"--compose-file={path}" for path in plan.files]
        argv = ["docker", "stack", "deploy", "--prune", "--resolve-image=never"]
        environment = {**self.environment, **plan.variables(), **variables}
        shell.run([*argv, *files, self.name], env=environment, timeout=COMMAND_SECONDS)
        self.await_converged()
        for service in self.services():  # the command has cleared what earlier changes left
            if service.get("UpdateStatus", {}).get("State") == UNDONE:
                raise self._given_up(service)

    def services(self) -> list[dict[str, Any]]:
        """The stack's services as the API describes them, with counts of their tasks."""
        with self.api() as client:
            found = client.services.list(filters=self.chosen, status=True)
            return [each.attrs for each in found]

    def find(self, name: str) -> dict[str, Any] | None:
        """One service by its name in the stack file, or None."""
        wanted = f"{self.name}_{name}"
        return next((each for each in self.services() if each["Spec"]["Name"] == wanted), None)

    def service(self, name: str) -> dict[str, Any]:
        """The same; raises ``OrchlabError`` if it is not deployed."""
        found = self.find(name)
        if found is None:
            reason = f"the service {self.name}_{name} is not deployed"
            raise OrchlabError(reason, "`invoke swarm-deploy` does it")
        return found

    def tasks(self, service: str = "", *, wanted: bool = True) -> list[Task]:
        """Tasks of one service or all; only those that should run, or the history too."""
        filters: dict[str, Any] = {**self.chosen}
        if service:
            filters["service"] = f"{self.name}_{service}"
        if wanted:
            filters["desired-state"] = "running"
        with self.api() as client:
            nodes = {str(each.id): host_name(each.attrs) for each in client.nodes.list()}
            services = {each.id: each for each in client.services.list(filters=self.chosen)}
            found = client.api.tasks(filters=filters)  # type: ignore[no-untyped-call]
        return [
            swarm_tasks.task(each, services[each["ServiceID"]].attrs["Spec"], nodes)
            for each in cast("list[dict[str, Any]]", found)
            if each["ServiceID"] in services
        ]

    def await_converged(self) -> None:
        """Return when every service runs all its tasks, as its newest spec has them.

        Comparing the specs covers the moment before the manager begins an update.
        Raises ``WaitTimeout``, or ``OrchlabError`` for an update that Swarm paused.
        """
        wait_until(
            f"stack {self.name} converged",
            self._converged,
            timeout=CONVERGE_SECONDS,
            state=lambda: swarm_tasks.troubles(self.tasks(wanted=False)) or str(self.tasks()),
            hint=SEE_TASKS,
        )

    def _converged(self) -> bool:
        for service in self.services():
            count, update = service["ServiceStatus"], service.get("UpdateStatus", {})
            if update.get("State") in HALTED:
                raise self._given_up(service)
            if update.get("State") in BUSY or count["RunningTasks"] != count["DesiredTasks"]:
                return False
            if "Global" in service["Spec"].get("Mode", ()) and not count["DesiredTasks"]:
                return False  # its tasks are yet to be made, one for each node
        return all(task.current for task in self.tasks())

    def _given_up(self, service: dict[str, Any]) -> OrchlabError:
        """Also what went wrong last: after a rollback Swarm only says that it is complete."""
        name, update = service["Spec"]["Name"], service["UpdateStatus"]
        found = self.tasks(name.removeprefix(f"{self.name}_"), wanted=False)
        failed = sorted((each for each in found if each.error), key=lambda each: each.since)
        message = f"the update of {name} was given up ({update['State']}): {update.get('Message')}"
        error = swarm_tasks.troubles(failed[-1:])
        return OrchlabError(f"{message}; {error}" if error else message, SEE_TASKS)
