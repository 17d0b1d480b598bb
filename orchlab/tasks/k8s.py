"""The app on Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import (
    AUTOSCALE,
    CLUSTER,
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

    from orchlab.platforms.k8s.adapter import Kubernetes
    from orchlab.platforms.k8s.existing import ExistingKubernetes


def own_cluster(images: str = "auto") -> Kubernetes:
    """The adapter on a running engine; raises ``UnknownName`` for an image policy."""
    from orchlab import engine, lifecycle
    from orchlab.platforms.k8s.adapter import Kubernetes

    store = lifecycle.image_store(images)
    engine.ensure()
    return Kubernetes(store)


def chosen_cluster(
    context: str, namespace: str, registry: str = "", images: str = "auto"
) -> Kubernetes | ExistingKubernetes:
    """The app on the cluster that a context names, else on the lab's own."""
    from orchlab.platforms.k8s import existing as k8s_existing

    there = k8s_existing.named(context, namespace, registry)
    own = own_cluster(images)
    return there(own.images) if there else own


@command(**REPLICAS, **VARIANT, **IMAGES, **CLUSTER, **REGISTRY)
def k8s_deploy(  # noqa: PLR0913 - a flag each
    _: Context,
    *,
    replicas: int = 3,
    variant: str = "defaults",
    images: str = "auto",
    context: str = "",
    namespace: str = "",
    registry: str = "",
) -> None:
    """Deploy the app to the lab's Kubernetes; makes one of three nodes if there is none.

    In a cluster of your own (--context) it is a guest in one namespace: k8s/guest/role.yaml
    has the rights that it needs there.

    Example: invoke k8s-deploy --variant hardened --replicas 3
    """
    from orchlab import lifecycle

    lifecycle.require_replicas(replicas)
    platform = chosen_cluster(context, namespace, registry, images)
    lifecycle.up(platform, platform.images, replicas, variant)


@command(**REPLICAS, **CLUSTER)
def k8s_scale(_: Context, replicas: int = 3, context: str = "", namespace: str = "") -> None:
    """Change the number of replicas; returns when all of them serve.

    Example: invoke k8s-scale --replicas 5
    """
    from orchlab import lifecycle

    lifecycle.require_replicas(replicas)
    lifecycle.scale(chosen_cluster(context, namespace), replicas)


@command(**UPDATE, **IMAGES, **CLUSTER, **REGISTRY)
def k8s_update(  # noqa: PLR0913 - a flag each
    _: Context,
    *,
    image: str = "",
    app_version: str = "",
    images: str = "auto",
    context: str = "",
    namespace: str = "",
    registry: str = "",
) -> None:
    """Move the app to another image; one that does not start is undone, with exit code 1.

    Example: invoke k8s-update --app-version 2
    """
    from orchlab import lifecycle

    platform = chosen_cluster(context, namespace, registry, images)
    lifecycle.update(platform, lifecycle.given_image(platform.images, image, app_version))


@command(
    **CLUSTER,
    revision="a number that k8s-status shows; what ran before the last update if not given",
)
def k8s_rollback(_: Context, revision: int = 0, context: str = "", namespace: str = "") -> None:
    """Go back to an earlier revision of the app.

    Example: invoke k8s-rollback --revision 1
    """
    from orchlab import lifecycle

    lifecycle.conclude(chosen_cluster(context, namespace).rollback(revision))


@command(**AUTOSCALE)
def k8s_autoscale(
    _: Context,
    *,
    min_: int = 1,
    max_: int = 10,
    target_cpu: float = 50.0,
    up_window: float = 0.0,
    down_window: float = 60.0,
) -> None:
    """Let Kubernetes set the number of replicas by their CPU, until Ctrl-C; the last stays.

    Brings metrics-server into the cluster and a HorizontalPodAutoscaler beside the app, and
    shows what that decides, every 15 s. The autoscaler ends with the command.

    Example: invoke k8s-autoscale --min 2 --max 6 --target-cpu 50
    """
    from orchlab.platforms.autoscaling import Policy
    from orchlab.platforms.k8s.autoscale import require_possible

    policy = Policy(min_, max_, target_cpu, up_window, down_window)
    require_possible(policy)
    own_cluster().autoscale(policy)


@command(**LOGS, **CLUSTER)
def k8s_logs(
    _: Context, *, follow: bool = False, tail: int = 20, context: str = "", namespace: str = ""
) -> None:
    """Print the last lines of each pod of the app.

    Example: invoke k8s-logs --follow --tail 5
    """
    chosen_cluster(context, namespace).follow_logs(follow=follow, tail=tail)


@command(**CLUSTER, port="port on 127.0.0.1; 0 takes a free one")
def k8s_forward(_: Context, port: int = 0, context: str = "", namespace: str = "") -> None:
    """Pass a local port on to one pod of the app until Ctrl-C, past the nodes' own ports.

    Example: invoke k8s-forward --port 8080
    """
    chosen_cluster(context, namespace).forward(port)
