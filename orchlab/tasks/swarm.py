"""The app on a Docker Swarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import IMAGES, LOGS, REPLICAS, UPDATE, VARIANT, command

if TYPE_CHECKING:
    from invoke.context import Context

    from orchlab.platforms.swarm import Swarm

NODE = {"node": "a node's name, as swarm-status shows it"}
NETWORK = {
    "data-path": "mesh (needs IPVS) or edge (HAProxy on every node); found out if not given",
    "encrypted": "encrypt what crosses nodes; refused where the kernel cannot",
}


def _swarm(images: str = "auto") -> Swarm:
    """The adapter on a running engine; raises ``UnknownName`` for an image policy."""
    from orchlab import engine, lifecycle
    from orchlab.platforms.swarm import Swarm

    store = lifecycle.image_store(images)
    engine.ensure()
    return Swarm(store)


@command(**REPLICAS, **VARIANT, **NETWORK, **IMAGES)
def swarm_deploy(
    _: Context,
    replicas: int = 3,
    variant: str = "defaults",
    data_path: str = "",
    encrypted: bool = False,  # noqa: FBT001, FBT002 - a flag
    images: str = "auto",
) -> None:
    """Make a Swarm of three nodes, if there is none, and deploy the app to it.

    Example: invoke swarm-deploy --variant hardened --replicas 3
    """
    from orchlab import lifecycle
    from orchlab.platforms.swarm_files import data_path_named

    lifecycle.require_replicas(replicas)
    chosen = data_path_named(data_path)
    platform = _swarm(images)
    platform.encrypted = encrypted
    if chosen:
        platform.choose_data_path(chosen)
    lifecycle.up(platform, platform.images, replicas, variant)


@command(**REPLICAS)
def swarm_scale(_: Context, replicas: int = 3) -> None:
    """Change the number of replicas; returns when all of them serve.

    Example: invoke swarm-scale --replicas 5
    """
    from orchlab import lifecycle

    lifecycle.require_replicas(replicas)
    lifecycle.scale(_swarm(), replicas)


@command(**UPDATE, **IMAGES)
def swarm_update(_: Context, image: str = "", app_version: str = "", images: str = "auto") -> None:
    """Move the app to another image; one that fails is rolled back, with exit code 1.

    Example: invoke swarm-update --app-version 2
    """
    from orchlab import lifecycle

    platform = _swarm(images)
    lifecycle.update(platform, lifecycle.given_image(platform.images, image, app_version))


@command()
def swarm_rollback(_: Context) -> None:
    """Go back to what ran before the last update.

    Example: invoke swarm-rollback
    """
    from orchlab import lifecycle

    lifecycle.rollback(_swarm())


@command()
def swarm_rotate_key(_: Context) -> None:
    """Give the app a new API key while it serves (variant hardened).

    Example: invoke swarm-rotate-key
    """
    from orchlab import lifecycle

    lifecycle.conclude(_swarm().rotate_key())


@command(**LOGS)
def swarm_logs(_: Context, follow: bool = False, tail: int = 20) -> None:  # noqa: FBT001, FBT002 - a flag
    """Print the last lines of each replica of the app.

    Example: invoke swarm-logs --follow --tail 5
    """
    _swarm().follow_logs(follow=follow, tail=tail)


@command(**NODE)
def swarm_drain(_: Context, node: str) -> None:
    """Move the app's replicas off a node, for maintenance; returns when they serve elsewhere.

    Without IPVS the node is no entry point until `swarm-activate`: its edge leaves, too.

    Example: invoke swarm-drain orchlab-worker1
    """
    _swarm().drain(node)


@command(**NODE)
def swarm_activate(_: Context, node: str) -> None:
    """Let a drained node take replicas again; Swarm moves none back by itself.

    Example: invoke swarm-activate orchlab-worker1
    """
    _swarm().activate(node)


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
