"""A Kubernetes cluster as a whole: its nodes, what is on them, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import CLUSTER, IMAGES, command
from orchlab.tasks.k8s import chosen_cluster

if TYPE_CHECKING:
    from invoke.context import Context

NODE = {"node": "a node's name, as k8s-status shows it"}


@command(
    **IMAGES,
    control_planes="how many nodes decide: 1, or 3 to survive the loss of one",
    workers="how many nodes run the app",
    cni="the pods' network - default: the node image's own; policy: one that enforces "
    "NetworkPolicies, which takes a node image of its own where none can be pulled",
    keep="when it fails, leave the nodes that it made, to look at their logs",
)
def k8s_up(
    _: Context,
    *,
    control_planes: int = 1,
    workers: int = 2,
    cni: str = "default",
    keep: bool = False,
    images: str = "auto",
) -> None:
    """Make a Kubernetes of kind nodes without the app, or start the one there is.

    When it fails, the nodes that it made are removed again.

    Example: invoke k8s-up --workers 3 --cni policy
    """
    from orchlab import engine, lifecycle
    from orchlab.names import one
    from orchlab.platforms.k8s.adapter import Kubernetes
    from orchlab.platforms.k8s.kind_config import NODE_IMAGES, Size
    from orchlab.platforms.k8s.up import bring_up

    store = lifecycle.image_store(images)
    size = Size(control_planes, workers)
    node = one("network", cni, NODE_IMAGES)
    engine.ensure()
    bring_up(Kubernetes(store, size, keep=keep, node=node))


@command(**CLUSTER)
def k8s_status(_: Context, context: str = "", namespace: str = "") -> None:
    """Show nodes, pods with restarts and reasons, rollout history, endpoints and warnings.

    Example: invoke k8s-status
    """
    from orchlab import lifecycle

    lifecycle.status(chosen_cluster(context, namespace))


@command(**NODE, **CLUSTER)
def k8s_drain(_: Context, node: str, context: str = "", namespace: str = "") -> None:
    """Move the app's pods off a node, for maintenance; returns when they serve elsewhere.

    Refused for a node of somebody's cluster: others' pods would have to move, too.

    Example: invoke k8s-drain orchlab-worker
    """
    from orchlab import lifecycle

    lifecycle.drainable(chosen_cluster(context, namespace)).drain(node)


@command(**NODE, **CLUSTER)
def k8s_uncordon(_: Context, node: str, context: str = "", namespace: str = "") -> None:
    """Let a drained node take pods again; Kubernetes moves none back by itself.

    Example: invoke k8s-uncordon orchlab-worker
    """
    from orchlab import lifecycle

    lifecycle.drainable(chosen_cluster(context, namespace)).activate(node)


@command(
    **IMAGES,
    only="comma-separated: services,dns,deployments,volumes, which is all if not given; "
    "policies, for a cluster of --cni policy",
)
def k8s_e2e(_: Context, only: str = "", images: str = "auto") -> None:
    """Check the cluster by a part of Kubernetes' own tests; all of it is recorded in docs/e2e.md.

    Makes a cluster if there is none; builds the tests at first, which takes minutes. Exit
    code 1 when one fails.

    Example: invoke k8s-e2e --only services
    """
    from orchlab import engine, lifecycle
    from orchlab.e2e import record
    from orchlab.platforms.k8s.adapter import Kubernetes

    store = lifecycle.image_store(images)
    engine.ensure()
    record.check(Kubernetes(store), store, only)


@command(**CLUSTER)
def k8s_down(_: Context, context: str = "", namespace: str = "") -> None:
    """Remove the Kubernetes cluster and its data; from a cluster elsewhere only the app.

    Example: invoke k8s-down
    """
    from orchlab import lifecycle

    if context or namespace:
        chosen_cluster(context, namespace).delete()
    elif lifecycle.engine_is_up():
        from orchlab.images.store import ImageStore
        from orchlab.platforms.k8s.adapter import Kubernetes

        lifecycle.down(Kubernetes(ImageStore()))
