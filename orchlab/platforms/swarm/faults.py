"""What the lab breaks of the app's and of Redis' processes on nodes of its own."""

from __future__ import annotations

from contextlib import closing

from orchlab.errors import CommandFailed, OrchlabError
from orchlab.platforms import serving
from orchlab.platforms.base import Replica
from orchlab.platforms.redis_cli import conversation
from orchlab.platforms.swarm import processes
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.platforms.swarm.running import Running
from orchlab.platforms.swarm.tasks import Task
from orchlab.wait import wait_until

STORE_SECONDS = 60.0


class Faults(Running):
    """Faults of processes, signalled from the node behind the back of its engine."""

    fleet: Fleet

    def crash(self, replica: Replica) -> None:
        """SIGKILL the app process from its node; raises unless the container has ended."""
        processes.kill(self.fleet, self._task("web", replica.id))

    def hang(self, replica: Replica) -> None:
        """SIGSTOP the app process from its node; raises unless it is verifiably stopped."""
        processes.stop(self.fleet, self._task("web", replica.id))

    def resume(self, replica: Replica) -> None:
        """SIGCONT it; a replica that was replaced meanwhile is no error."""
        for task in self.stack.tasks("web", wanted=False):
            if task.id == replica.id:
                processes.go_on(self.fleet, task)

    def store_node(self) -> str:
        """The node that Redis runs on; empty if it runs nowhere."""
        running = (each for each in self.stack.tasks("redis") if each.state == "running")
        return next((each.node for each in running), "")

    def crash_store(self) -> None:
        """SIGKILL Redis from its node; raises unless the container has ended."""
        processes.kill(self.fleet, self._store())

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
