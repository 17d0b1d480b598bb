"""The app on Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import IMAGES, REPLICAS, VARIANT, command

if TYPE_CHECKING:
    from invoke.context import Context


@command(**REPLICAS, **VARIANT, **IMAGES)
def k8s_deploy(
    _: Context, replicas: int = 3, variant: str = "defaults", images: str = "auto"
) -> None:
    """Make a Kubernetes of three kind nodes, if there is none, and deploy the app to it.

    Example: invoke k8s-deploy --replicas 3
    """
    from orchlab import engine, lifecycle
    from orchlab.platforms.k8s import Kubernetes

    store = lifecycle.image_store(images)
    lifecycle.require_replicas(replicas)
    engine.ensure()
    lifecycle.up(Kubernetes(store), store, replicas, variant)


@command()
def k8s_down(_: Context) -> None:
    """Remove the Kubernetes cluster and its data.

    Example: invoke k8s-down
    """
    from orchlab import lifecycle
    from orchlab.images.store import ImageStore
    from orchlab.platforms.k8s import Kubernetes

    if lifecycle.engine_is_up():
        lifecycle.down(Kubernetes(ImageStore()))
