"""Signals to a task's main process, from its node and behind the back of the node's engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals

from docker.errors import NotFound

from orchlab import shell
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.platforms.swarm.tasks import Task
from orchlab.wait import wait_until

FAULT_SECONDS = 10.0
STOPPED = "T"
"""How the kernel names the state of a process that was stopped by a signal."""


def kill(fleet: Fleet, task: Task) -> None:
    """SIGKILL it; raises ``WaitTimeout`` unless the container has ended."""
    _signal(fleet, task, SIGKILL, lambda pid: process(fleet, task) != pid)


def stop(fleet: Fleet, task: Task) -> None:
    """SIGSTOP it; raises ``WaitTimeout`` unless the kernel says that it is stopped."""
    node = fleet.node(task.node)
    _signal(fleet, task, SIGSTOP, lambda pid: state(node, pid) == STOPPED)


def go_on(fleet: Fleet, task: Task) -> None:
    """SIGCONT it; nothing to do for one that has ended."""
    if pid := process(fleet, task):
        try:
            fleet.node(task.node).signal_process(pid, SIGCONT)
        except CommandFailed:
            if process(fleet, task):
                raise


def process(fleet: Fleet, task: Task) -> int:
    """Number of the task's main process on its node; 0 when it has ended."""
    with closing(fleet.node(task.node).client()) as client:
        try:
            return int(client.containers.get(task.container).attrs["State"]["Pid"])
        except NotFound:
            return 0


def state(node: Node, pid: int) -> str:
    """The kernel's letter for a process' state; raises ``CommandFailed`` if there is none."""
    status = shell.run(["docker", "exec", node.name, "cat", f"/proc/{pid}/stat"], echo=False)
    return status.rpartition(")")[2].split()[0]


def _signal(fleet: Fleet, task: Task, signal: Signals, happened: Callable[[int], bool]) -> None:
    """Signal a task's main process; raises ``OrchlabError`` unless that had its effect."""
    pid = process(fleet, task)
    if not pid:
        raise OrchlabError(f"{task.name} does not run: there is no process to signal")
    fleet.node(task.node).signal_process(pid, signal)
    wait_until(
        f"{signal.name} took effect on process {pid} of {task.name}",
        lambda: happened(pid),
        timeout=FAULT_SECONDS,
        pause=0.05,
    )
