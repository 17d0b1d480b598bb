"""A Swarm as a whole: its nodes, what is on them, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import ELSEWHERE, IMAGES, command
from orchlab.tasks.swarm import chosen_swarm, own_swarm

if TYPE_CHECKING:
    from invoke.context import Context

NODE = {"node": "a node's name, as swarm-status shows it"}


@command(
    **IMAGES,
    managers="1, or 3 to survive the loss of one; 0: as they are, 1 at first",
    workers="how many nodes only run tasks; -1: as they are, 2 at first",
    heartbeat="seconds between two signs of life of a node; 0: as it is, 5 at first",
    keep="when it fails, leave the nodes that it made, to look at their logs",
)
def swarm_up(
    _: Context,
    *,
    managers: int = 0,
    workers: int = -1,
    heartbeat: float = 0.0,
    keep: bool = False,
    images: str = "auto",
) -> None:
    """Make a Swarm, or let the one there is have this size; deploys nothing.

    What runs on it goes on: new nodes join, surplus ones leave after their tasks have
    moved. When it fails, the nodes that it made are removed again.

    Example: invoke swarm-up --managers 3 --workers 2
    """
    from orchlab import engine, lifecycle
    from orchlab.platforms.swarm.adapter import Swarm
    from orchlab.platforms.swarm.fleet import Fleet
    from orchlab.platforms.swarm.up import bring_up

    store = lifecycle.image_store(images)
    fleet = Fleet(managers or None, None if workers == -1 else workers)
    engine.ensure()
    bring_up(Swarm(store, fleet), heartbeat, keep=keep)


@command(**ELSEWHERE)
def swarm_status(_: Context, context: str = "", host: str = "") -> None:
    """Show nodes, who leads, entry points, services, and tasks with history and errors.

    Example: invoke swarm-status
    """
    from orchlab import console, lifecycle

    platform = chosen_swarm(context, host)
    if platform.swarm_nodes.up():
        lifecycle.status(platform)
    else:
        console.note("no Swarm is up: `invoke swarm-up` makes one")


@command(**NODE)
def swarm_drain(_: Context, node: str) -> None:
    """Move the app's replicas off a node, for maintenance; returns when they serve elsewhere.

    Without IPVS the node is no entry point until `swarm-activate`: its edge leaves, too.

    Example: invoke swarm-drain orchlab-swarm-worker1
    """
    own_swarm().drain(node)


@command(**NODE)
def swarm_activate(_: Context, node: str) -> None:
    """Let a drained node take replicas again; Swarm moves none back by itself.

    Example: invoke swarm-activate orchlab-swarm-worker1
    """
    own_swarm().activate(node)


@command(**ELSEWHERE)
def swarm_down(_: Context, context: str = "", host: str = "") -> None:
    """Remove the Swarm, its nodes and its data; from a Swarm elsewhere only the app.

    Example: invoke swarm-down
    """
    from orchlab import lifecycle

    if context or host:
        chosen_swarm(context, host).delete()
    elif lifecycle.engine_is_up():
        from orchlab.images.store import ImageStore
        from orchlab.platforms.swarm.adapter import Swarm

        lifecycle.down(Swarm(ImageStore()))
