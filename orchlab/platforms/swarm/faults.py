"""What the lab breaks of the app's and of Redis' processes on nodes of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals

from docker.errors import NotFound

from orchlab import shell
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.platforms import serving
from orchlab.platforms.base import Replica
from orchlab.platforms.nodes import Node
from orchlab.platforms.redis_cli import conversation
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.platforms.swarm.running import Running
from orchlab.platforms.swarm.tasks import Task
from orchlab.wait import wait_until

FAULT_SECONDS = 10.0
STORE_SECONDS = 60.0
STOPPED = "T"
"""How the kernel names the state of a process that was stopped by a signal."""


class Faults(Running):
    """Faults of processes, signalled from the node behind the back of its engine."""

    fleet: Fleet

    def crash(self, replica: Replica) -> None:
        """SIGKILL the app process from its node; raises unless the container has ended."""
        self._kill(self._task("web", replica.id))

    def hang(self, replica: Replica) -> None:
        """SIGSTOP the app process from its node; raises unless it is verifiably stopped."""
        task = self._task("web", replica.id)
        node = self.fleet.node(task.node)
        self._signal(task, SIGSTOP, lambda pid: _process_state(node, pid) == STOPPED)

    def resume(self, replica: Replica) -> None:
        """SIGCONT it; a replica that was replaced meanwhile is no error."""
        for task in self.stack.tasks("web", wanted=False):
            if task.id == replica.id and (pid := self._pid(task)):
                try:
                    self.fleet.node(task.node).signal_process(pid, SIGCONT)
                except CommandFailed:
                    if self._pid(task):
                        raise

    def store_node(self) -> str:
        """The node that Redis runs on; empty if it runs nowhere."""
        running = (each for each in self.stack.tasks("redis") if each.state == "running")
        return next((each.node for each in running), "")

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
        self.stack.run("service", "update", "--force", "--detach", f"{self.stack.name}_redis")
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
        self._signal(task, SIGKILL, lambda pid: self._pid(task) != pid)

    def _signal(self, task: Task, signal: Signals, happened: Callable[[int], bool]) -> None:
        """Signal a task's main process; raises ``OrchlabError`` unless that had its effect."""
        pid = self._pid(task)
        if not pid:
            raise OrchlabError(f"{task.name} does not run: there is no process to signal")
        self.fleet.node(task.node).signal_process(pid, signal)
        wait_until(
            f"{signal.name} took effect on process {pid} of {task.name}",
            lambda: happened(pid),
            timeout=FAULT_SECONDS,
            pause=0.05,
        )

    def _pid(self, task: Task) -> int:
        """Number of the task's main process on its node; 0 when it has ended."""
        with closing(self.fleet.node(task.node).client()) as client:
            try:
                return int(client.containers.get(task.container).attrs["State"]["Pid"])
            except NotFound:
                return 0

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
        return sorted(mount["Name"] for mount in mounts if mount["Type"] == "volume")


def _process_state(node: Node, pid: int) -> str:
    """The kernel's letter for a process' state; raises ``CommandFailed`` if there is none."""
    status = shell.run(["docker", "exec", node.name, "cat", f"/proc/{pid}/stat"], echo=False)
    return status.rpartition(")")[2].split()[0]
