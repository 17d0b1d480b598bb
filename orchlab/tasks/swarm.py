"""The app on a Docker Swarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import (
    AUTOSCALE,
    ELSEWHERE,
    IMAGES,
    LOGS,
    REGISTRY,
    REPLICAS,
    UPDATE,
    VARIANT,
    command,
)

if TYPE_CHECKING:
    from invoke.context import Context

    from orchlab.platforms.swarm.adapter import Swarm
    from orchlab.platforms.swarm.existing import ExistingSwarm

NETWORK = {
    "data-path": "mesh (needs IPVS) or edge (HAProxy on every node); found out if not given",
    "encrypted": "encrypt what crosses nodes; refused where the kernel cannot",
}


def own_swarm(images: str = "auto") -> Swarm:
    """The adapter on a running engine; raises ``UnknownName`` for an image policy."""
    from orchlab import engine, lifecycle
    from orchlab.platforms.swarm.adapter import Swarm

    store = lifecycle.image_store(images)
    engine.ensure()
    return Swarm(store)


def chosen_swarm(
    context: str, host: str, registry: str = "", images: str = "auto", port: int = 0
) -> Swarm | ExistingSwarm:
    """The app on the Swarm that a context or an address names, else on the lab's own."""
    from orchlab.platforms.swarm import existing as swarm_existing

    # Before an engine is provided, which may choose another client configuration.
    there = swarm_existing.named(context, host, registry, port)
    own = own_swarm(images)
    return there(own.images) if there else own


@command(
    **REPLICAS,
    **VARIANT,
    **NETWORK,
    **IMAGES,
    **ELSEWHERE,
    **REGISTRY,
    port="port on every node of that Swarm (8080 if not given)",
)
def swarm_deploy(  # noqa: PLR0913 - a flag each
    _: Context,
    *,
    replicas: int = 3,
    variant: str = "defaults",
    data_path: str = "",
    encrypted: bool = False,
    images: str = "auto",
    context: str = "",
    host: str = "",
    registry: str = "",
    port: int = 0,
) -> None:
    """Make a Swarm of three nodes, if there is none, and deploy the app to it.

    Example: invoke swarm-deploy --variant hardened --replicas 3
    """
    from orchlab import lifecycle
    from orchlab.platforms.swarm.files import data_path_named

    lifecycle.require_replicas(replicas)
    chosen = data_path_named(data_path)
    platform = chosen_swarm(context, host, registry, images, port)
    platform.encrypted = encrypted
    if chosen:
        platform.choose_data_path(chosen)
    lifecycle.up(platform, platform.images, replicas, variant)


@command(**REPLICAS, **ELSEWHERE)
def swarm_scale(_: Context, replicas: int = 3, context: str = "", host: str = "") -> None:
    """Change the number of replicas; returns when all of them serve.

    Example: invoke swarm-scale --replicas 5
    """
    from orchlab import lifecycle

    lifecycle.require_replicas(replicas)
    lifecycle.scale(chosen_swarm(context, host), replicas)


@command(**UPDATE, **IMAGES, **ELSEWHERE, **REGISTRY)
def swarm_update(  # noqa: PLR0913 - a flag each
    _: Context,
    *,
    image: str = "",
    app_version: str = "",
    images: str = "auto",
    context: str = "",
    host: str = "",
    registry: str = "",
) -> None:
    """Move the app to another image; one that fails is rolled back, with exit code 1.

    Example: invoke swarm-update --app-version 2
    """
    from orchlab import lifecycle

    platform = chosen_swarm(context, host, registry, images)
    lifecycle.update(platform, lifecycle.given_image(platform.images, image, app_version))


@command(**ELSEWHERE)
def swarm_rollback(_: Context, context: str = "", host: str = "") -> None:
    """Go back to what ran before the last update.

    Example: invoke swarm-rollback
    """
    from orchlab import lifecycle

    lifecycle.rollback(chosen_swarm(context, host))


@command()
def swarm_rotate_key(_: Context) -> None:
    """Give the app a new API key while it serves (variant hardened).

    Example: invoke swarm-rotate-key
    """
    from orchlab import lifecycle

    lifecycle.conclude(own_swarm().rotate_key())


@command(**LOGS, **ELSEWHERE)
def swarm_logs(
    _: Context, *, follow: bool = False, tail: int = 20, context: str = "", host: str = ""
) -> None:
    """Print the last lines of each replica of the app, of replaced ones too.

    Example: invoke swarm-logs --follow --tail 5
    """
    chosen_swarm(context, host).follow_logs(follow=follow, tail=tail)


@command(**AUTOSCALE, period="seconds between two decisions")
def swarm_autoscale(  # noqa: PLR0913 - a flag each
    _: Context,
    *,
    min_: int = 1,
    max_: int = 10,
    target_cpu: float = 50.0,
    period: float = 5.0,
    up_window: float = 0.0,
    down_window: float = 60.0,
) -> None:
    """Set the number of replicas by their CPU, until Ctrl-C; the last number stays.

    Swarm has no autoscaler. This one computes as Kubernetes' does: ceil(replicas * usage /
    target), no change within 10 % of the target.

    Example: invoke swarm-autoscale --min 2 --max 6 --target-cpu 50
    """
    from orchlab.platforms.autoscaling import Policy
    from orchlab.platforms.swarm.autoscaler import Autoscaler

    policy = Policy(min_, max_, target_cpu, up_window, down_window)
    platform = own_swarm()
    platform.require_places(policy.most)
    Autoscaler(lambda: platform.stack, platform.swarm_nodes, policy, period).run()
