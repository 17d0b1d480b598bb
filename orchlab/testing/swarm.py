"""A Swarm of three nodes, each a container with its own engine, for somebody's stack files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, cast

import yaml
from docker import DockerClient

from orchlab import console, shell
from orchlab.engine import host
from orchlab.errors import OrchlabError
from orchlab.platforms.base import Endpoint, Replica
from orchlab.platforms.swarm import leftovers, logs, processes
from orchlab.platforms.swarm.adapter import Swarm
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.platforms.swarm.node_faults import FleetFaults
from orchlab.platforms.swarm.running import LIVE
from orchlab.platforms.swarm.stack import Stack
from orchlab.platforms.swarm.tasks import Task
from orchlab.testing.images import for_nodes
from orchlab.testing.lab import Lab
from orchlab.testing.stacks import directory, named

NO_MESH = "no IPVS here: Swarm's mesh does not answer, say `mode: host` for published ports"


class SwarmStack:
    """A stack file that is deployed on ``fleet`` as stack ``name``; every task runs."""

    def __init__(self, fleet: Fleet, name: str) -> None:
        self.fleet = fleet
        self.name = name

    @property
    def stack(self) -> Stack:
        """The stack as a manager sees it that can be asked now."""
        return Stack(self.fleet.manager, self.name)

    def tasks(self, service: str = "") -> list[Task]:
        """Tasks of a service or all that should run, with their states and errors."""
        return self.stack.tasks(service)

    def replicas(self, service: str = "") -> list[Replica]:
        """The same as replicas, once their container has started; ready after its health check."""
        return [
            Replica(each.name, each.id, each.node, ready=each.state == "running")
            for each in self.tasks(service)
            if each.state in LIVE
        ]

    def endpoints(self) -> list[Endpoint]:
        """Each node's port 8080, as the engine publishes it on 127.0.0.1."""
        return self.fleet.endpoints()

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command inside and return its stdout; raises ``CommandFailed``."""
        task = self._task(replica)
        environment = self.fleet.node(task.node).environment
        return shell.run(["docker", "exec", task.container, *argv], env=environment)

    def crash(self, replica: Replica) -> None:
        """SIGKILL its process from its node; raises unless the container has ended."""
        processes.kill(self.fleet, self._task(replica))

    def hang(self, replica: Replica) -> None:
        """SIGSTOP its process from its node; raises unless it is verifiably stopped."""
        processes.stop(self.fleet, self._task(replica))

    def resume(self, replica: Replica) -> None:
        """SIGCONT it; nothing to do for one that has ended."""
        for task in self.stack.tasks(wanted=False):
            if task.id == replica.id:
                processes.go_on(self.fleet, task)

    def collect_logs(self, into: Path) -> None:
        """Logs of services and nodes, the history of tasks, events of the manager's engine."""
        logs.collect(self.stack, self.fleet, into)

    def _task(self, replica: Replica) -> Task:
        for task in self.stack.tasks(wanted=False):
            if task.id == replica.id:
                return task
        raise OrchlabError(f"the swarm has no task {replica.id}", "it was replaced meanwhile")


class SwarmCluster(FleetFaults):
    """One manager and two workers; ``fault`` stops and cuts them, by the names in ``nodes()``."""

    def __init__(self, lab: Lab, platform: Swarm) -> None:
        self._lab = lab
        self._platform = platform
        self.fleet = platform.fleet

    def client(self, node: str) -> AbstractContextManager[DockerClient]:
        """A Docker client of a node's own engine for a ``with`` block; raises ``UnknownName``."""
        return closing(self.fleet.node(node).client())

    def docker(self, *argv: str) -> str:
        """What a ``docker`` command printed on the manager; raises ``CommandFailed``."""
        return shell.run(["docker", *argv], env=self.fleet.manager.environment)

    def endpoints(self) -> list[Endpoint]:
        """Each node's port 8080, as the engine publishes it on 127.0.0.1."""
        return self.fleet.endpoints()

    @contextmanager
    def deploy(self, file: Path) -> Iterator[SwarmStack]:
        """Deploy a stack file; the block begins when every task runs, and removes it at its end.

        Images that this machine's engine has are brought to the nodes. Raises
        ``CommandFailed``, ``OrchlabError`` and ``WaitTimeout`` with the tasks' own errors.
        """
        deployed = SwarmStack(self.fleet, named(file))
        try:
            with console.step(f"swarm: deploy {file}"):
                resolved = directory() / f"{deployed.name}.yaml"
                resolved.write_text(self._resolve(file.resolve()))
                words = ("stack", "deploy", "--prune", "--resolve-image=never")
                self.docker(*words, f"--compose-file={resolved}", deployed.name)
                deployed.stack.await_converged()
            yield deployed
        finally:
            if not self._lab.keep:
                leftovers.remove(deployed.stack, self.fleet.members)

    def collect_logs(self, into: Path) -> None:
        """Logs of the nodes, and what the manager says of them."""
        self._platform.collect_logs(into)

    def _resolve(self, file: Path) -> str:
        """The stack file without variables, with images that the nodes can pull."""
        spec: dict[str, Any] = yaml.safe_load(
            self.docker("stack", "config", f"--compose-file={file}")
        )
        for service in spec["services"].values():
            service.pop("env_file", None)  # its lines are in the environment by now
            service["image"] = for_nodes(self._platform, service["image"])
            ports = service.get("ports") or ()
            if any(each.get("mode") != "host" for each in ports) and not host.ipvs_available():
                console.warn(NO_MESH)
        return yaml.safe_dump(spec).replace("$", "$$")


@contextmanager
def cluster(lab: Lab) -> Iterator[SwarmCluster]:
    """The session's nodes, made if there are none; whoever leaves them last removes them."""
    with lab.nodes("swarm") as platform:
        yield SwarmCluster(lab, cast("Swarm", platform))
