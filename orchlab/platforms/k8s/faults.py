"""What the lab breaks on Kubernetes."""

from __future__ import annotations

from collections.abc import Callable

from orchlab.errors import CommandFailed, OrchlabError
from orchlab.platforms.base import Replica
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.running import Running
from orchlab.platforms.redis_cli import conversation
from orchlab.wait import wait_until

VERIFIED_S = 5.0
STOPPED = "T"
"""How the kernel names the state of a process that was stopped by a signal."""


class Faults(Running):
    """Faults of processes, injected from the node: no pod and no API server takes part."""

    def crash(self, replica: Replica) -> None:
        """SIGKILL the container's first process; raises unless it is verifiably gone."""
        pid = _process(replica)
        k8s_nodes.signal(replica.node, pid, "KILL")
        _verify(
            f"process {pid} of {replica.name} gone",
            lambda: replica.id not in k8s_nodes.task_pids(replica.node),
        )

    def hang(self, replica: Replica) -> None:
        """SIGSTOP the container's first process; raises unless it is verifiably stopped."""
        pid = _process(replica)
        k8s_nodes.signal(replica.node, pid, "STOP")
        _verify(
            f"process {pid} of {replica.name} stopped",
            lambda: k8s_nodes.process_state(replica.node, pid) == STOPPED,
        )

    def resume(self, replica: Replica) -> None:
        """SIGCONT it; a replica that was replaced meanwhile is no error."""
        pid = k8s_nodes.task_pids(replica.node).get(replica.id)
        if pid is None:
            return
        try:
            k8s_nodes.signal(replica.node, pid, "CONT")
        except CommandFailed:
            if replica.id in k8s_nodes.task_pids(replica.node):
                raise

    def store_node(self) -> str:
        """The node that Redis runs on; empty if it runs nowhere."""
        return self.store.node()

    def crash_store(self) -> None:
        """SIGKILL Redis; raises unless it is verifiably gone."""
        self.crash(self.store.replica())

    def ask_store(self, *commands: str) -> list[str]:
        """Send commands to Redis over one connection; raises ``CommandFailed``."""
        return self.store.exec(*conversation(*commands)).splitlines()


def _process(replica: Replica) -> int:
    pid = k8s_nodes.task_pids(replica.node).get(replica.id)
    if pid is None:
        raise OrchlabError(f"replica {replica.name} runs no process on {replica.node}")
    return pid


def _verify(what: str, check: Callable[[], bool]) -> None:
    wait_until(what, check, timeout=VERIFIED_S, pause=0.05)
