"""Signals to the app's process in a container that the engine does not know of.

``docker kill`` and ``docker stop`` tell the engine that the end is wanted, and it then
leaves the container down; ``docker pause`` stops the health check too. A process that
fails by itself tells nobody: so does a signal to its process ID in the engine's process
namespace.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import ContainerError

from orchlab import labels
from orchlab.errors import OrchlabError

if TYPE_CHECKING:
    from signal import Signals

    from docker.models.containers import Container

PROC = Path("/proc")


def kill_in_engine(container: Container, signal: Signals, helper: str = "") -> None:
    """Signal the app's process from outside the container.

    Directly where the engine's processes are this machine's and may be signalled, else
    from a helper container that shares the engine's process IDs (an engine in a virtual
    machine, or without root). ``helper`` is an image that has a shell, by default the
    container's own. Raises ``OrchlabError`` if there is no such process.
    """
    pid = main_process(container)
    if not _signalled_here(pid, container, signal):
        _signal_from_helper(pid, container, signal, helper or container.attrs["Image"])


def main_process(container: Container) -> int:
    """ID of the app's process on the engine's host: the first one, or with an init its child.

    An init would pass a signal to stop on to nobody, so that the app went on.
    Raises ``OrchlabError`` if there is none.
    """
    container.reload()
    first = int(container.attrs["State"]["Pid"])
    if not first:
        raise OrchlabError(f"{container.name} has no process: it is {container.status}")
    if not container.attrs["HostConfig"].get("Init"):
        return first
    for pid, parent, _ in _processes(container):
        if int(parent) == first:
            return int(pid)
    raise OrchlabError(f"{container.name}: its init has no child")


def stopped(container: Container) -> bool:
    """Whether the app's process is stopped by a signal, as the engine's host sees it."""
    pid = main_process(container)
    states = {int(number): state for number, _, state in _processes(container)}
    return states.get(pid, "").startswith("T")


def belongs(pid: int, container_id: str, proc: Path = PROC) -> bool:
    """Whether that process of this machine runs in that container.

    The control groups' names hold the container's ID, whichever driver named them.
    """
    try:
        return container_id in (proc / str(pid) / "cgroup").read_text()
    except OSError:
        return False


def _processes(container: Container) -> list[list[str]]:
    """ID, parent's ID and state of each process in a container, oldest first."""
    found: list[list[str]] = container.top(ps_args="-o pid,ppid,stat")["Processes"]
    return found


def _signalled_here(pid: int, container: Container, signal: Signals) -> bool:
    if not belongs(pid, str(container.id)):
        return False
    try:
        os.kill(pid, signal)
    except PermissionError:
        return False
    return True


def _signal_from_helper(pid: int, container: Container, signal: Signals, image: str) -> None:
    number = int(signal)
    script = f"grep -q {container.id} /proc/{pid}/cgroup && kill -{number} {pid}"
    assert container.client is not None  # noqa: S101 - the SDK's type allows a detached model
    try:
        container.client.containers.run(
            image,
            [script],
            entrypoint=["/bin/sh", "-c"],
            healthcheck={"test": ["NONE"]},
            labels=labels.labels(),
            name=f"{labels.LAB}-signal-{pid}",
            network_mode="none",
            pid_mode="host",
            remove=True,
            user="0",
        )
    except ContainerError as error:
        reason = f"process {pid} of {container.name} could not be signalled"
        raise OrchlabError(reason, "the container may have stopped meanwhile") from error
