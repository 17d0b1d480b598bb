"""The app on a Docker Swarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import IMAGES, REPLICAS, VARIANT, command

if TYPE_CHECKING:
    from invoke.context import Context


@command(**REPLICAS, **VARIANT, **IMAGES)
def swarm_deploy(
    _: Context, replicas: int = 3, variant: str = "defaults", images: str = "auto"
) -> None:
    """Make a Swarm of three nodes, if there is none, and deploy the app to it.

    Example: invoke swarm-deploy --replicas 3
    """
    from orchlab import engine, lifecycle
    from orchlab.platforms.swarm import Swarm

    store = lifecycle.image_store(images)
    lifecycle.require_replicas(replicas)
    engine.ensure()
    lifecycle.up(Swarm(store), store, replicas, variant)


@command()
def swarm_down(_: Context) -> None:
    """Remove the Swarm, its nodes and its data.

    Example: invoke swarm-down
    """
    from orchlab import lifecycle
    from orchlab.images.store import ImageStore
    from orchlab.platforms.swarm import Swarm

    if lifecycle.engine_is_up():
        lifecycle.down(Swarm(ImageStore()))
