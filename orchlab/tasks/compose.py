"""The app as a Compose stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import IMAGES, REPLICAS, VARIANT, command

if TYPE_CHECKING:
    from invoke.context import Context


@command(**REPLICAS, **VARIANT, **IMAGES, port="port on 127.0.0.1; 0 takes a free one")
def compose_up(
    _: Context, replicas: int = 3, variant: str = "defaults", port: int = 0, images: str = "auto"
) -> None:
    """Bring the app up as a Compose stack.

    Example: invoke compose-up --replicas 3 --port 8080
    """
    from orchlab import engine, lifecycle
    from orchlab.platforms.compose import Compose

    store = lifecycle.image_store(images)
    lifecycle.require_replicas(replicas)
    engine.ensure()
    lifecycle.up(Compose(store, port), store, replicas, variant)


@command()
def compose_down(_: Context) -> None:
    """Remove the Compose stack and its data.

    Example: invoke compose-down
    """
    from orchlab import lifecycle
    from orchlab.images.store import ImageStore
    from orchlab.platforms.compose import Compose

    if lifecycle.engine_is_up():
        lifecycle.down(Compose(ImageStore()))
