"""``swarm-up``: the nodes, as many as are asked for, and nothing half made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

import requests
from docker.errors import DockerException

from orchlab import console, labels, shell, sweep
from orchlab.errors import OrchlabError, UsageError
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm.adapter import Swarm
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.platforms.swarm.nodes import Engine

NS_PER_S = 1_000_000_000
HEARTBEATS = (1.0, 60.0)
"""Seconds. A node is down after three that were missed, so 5 s (Swarm's default) means
12 to 16 s."""
PATIENT = 3.0
"""Seconds, the least heartbeat with which every node is in time for a new leader: it has three of
them to come, and a node that lost its manager waits for up to 8 s before it tries the next one
(swarmkit, ``agent`` and ``manager/dispatcher``)."""


def bring_up(swarm: Swarm, heartbeat: float, *, keep: bool) -> None:
    """Let the swarm have the size of its fleet, and that heartbeat (s) unless it is 0.

    Raises what ``Swarm.create`` raises. Nodes that were made until then are removed
    again, those that were there before stay; ``keep`` leaves them all to be looked at.
    """
    if heartbeat and not HEARTBEATS[0] <= heartbeat <= HEARTBEATS[1]:
        low, high = HEARTBEATS
        raise UsageError(f"a heartbeat of {heartbeat:g} s", f"{low:g} to {high:g} s are possible")
    swarm.prepare()
    with undone_on_failure(swarm, keep=keep):
        swarm.create()
        if heartbeat:
            set_heartbeat(swarm.fleet.manager, heartbeat)
    if 0 < heartbeat < PATIENT:
        console.warn(
            f"below {PATIENT:g} s of heartbeat a new leader, or a manager that is back, may take "
            "every node for down and start all tasks anew"
        )


def set_heartbeat(manager: Engine, seconds: float) -> None:
    """How often each node says that it lives; nodes hear of it with their next one."""
    with closing(manager.client()) as client:
        client.swarm.reload()
        spec = client.swarm.attrs["Spec"]
    if spec.get("Dispatcher", {}).get("HeartbeatPeriod") != seconds * NS_PER_S:
        argv = ["docker", "swarm", "update", f"--dispatcher-heartbeat={seconds:g}s"]
        shell.run(argv, env=manager.environment)


@contextmanager
def undone_on_failure(swarm: Swarm, *, keep: bool) -> Iterator[None]:
    """Remove the nodes that were made within the block when it fails or is interrupted."""
    before = set(swarm.fleet.existing())
    try:
        yield
    except BaseException:
        made = sorted(set(swarm.fleet.existing()) - before)
        if keep:
            console.note(f"kept for you to look at: {', '.join(made) or 'no new node'}")
        elif before:
            _withdraw(swarm.fleet, made)
        else:
            swarm.delete()
            sweep.leftover(labels.LAB)
        raise


def _withdraw(fleet: Fleet, names: Iterable[str]) -> None:
    """Remove nodes of a swarm that goes on; one that it does not let go stays.

    A manager whose container just vanished would still have a vote.
    """
    for name in names:
        try:
            swarm_members.dismiss(fleet, [name])
        except (OrchlabError, DockerException, requests.RequestException) as error:
            console.warn(f"{name} stays: {error}")
        else:
            fleet.remove([name])
