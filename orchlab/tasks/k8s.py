"""The app on Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import AUTOSCALE, IMAGES, LOGS, REPLICAS, UPDATE, VARIANT, command

if TYPE_CHECKING:
    from invoke.context import Context

    from orchlab.platforms.k8s.adapter import Kubernetes

NODE = {"node": "a node's name, as k8s-status shows it"}


def _cluster(images: str = "auto") -> Kubernetes:
    """The adapter on a running engine; raises ``UnknownName`` for an image policy."""
    from orchlab import engine, lifecycle
    from orchlab.platforms.k8s.adapter import Kubernetes

    store = lifecycle.image_store(images)
    engine.ensure()
    return Kubernetes(store)


@command(
    **IMAGES,
    control_planes="how many nodes decide: 1, or 3 to survive the loss of one",
    workers="how many nodes run the app",
    keep="when it fails, leave the nodes that it made, to look at their logs",
)
def k8s_up(
    _: Context,
    *,
    control_planes: int = 1,
    workers: int = 2,
    keep: bool = False,
    images: str = "auto",
) -> None:
    """Make a Kubernetes of kind nodes without the app, or start the one there is.

    When it fails, the nodes that it made are removed again.

    Example: invoke k8s-up --workers 3
    """
    from orchlab import engine, lifecycle
    from orchlab.platforms.k8s.adapter import Kubernetes
    from orchlab.platforms.k8s.kind_config import Size
    from orchlab.platforms.k8s.up import bring_up

    store = lifecycle.image_store(images)
    size = Size(control_planes, workers)
    engine.ensure()
    bring_up(Kubernetes(store, size, keep=keep))


@command(**REPLICAS, **VARIANT, **IMAGES)
def k8s_deploy(
    _: Context, replicas: int = 3, variant: str = "defaults", images: str = "auto"
) -> None:
    """Deploy the app to the lab's Kubernetes; makes one of three nodes if there is none.

    Example: invoke k8s-deploy --variant hardened --replicas 3
    """
    from orchlab import lifecycle

    lifecycle.require_replicas(replicas)
    platform = _cluster(images)
    lifecycle.up(platform, platform.images, replicas, variant)


@command(**REPLICAS)
def k8s_scale(_: Context, replicas: int = 3) -> None:
    """Change the number of replicas; returns when all of them serve.

    Example: invoke k8s-scale --replicas 5
    """
    from orchlab import lifecycle

    lifecycle.require_replicas(replicas)
    lifecycle.scale(_cluster(), replicas)


@command(**UPDATE, **IMAGES)
def k8s_update(_: Context, image: str = "", app_version: str = "", images: str = "auto") -> None:
    """Move the app to another image; one that does not start is undone, with exit code 1.

    Example: invoke k8s-update --app-version 2
    """
    from orchlab import lifecycle

    platform = _cluster(images)
    lifecycle.update(platform, lifecycle.given_image(platform.images, image, app_version))


@command(revision="a number that k8s-status shows; what ran before the last update if not given")
def k8s_rollback(_: Context, revision: int = 0) -> None:
    """Go back to an earlier revision of the app.

    Example: invoke k8s-rollback --revision 1
    """
    from orchlab import lifecycle

    lifecycle.conclude(_cluster().rollback(revision))


@command()
def k8s_status(_: Context) -> None:
    """Show nodes, pods with restarts and reasons, rollout history, endpoints and warnings.

    Example: invoke k8s-status
    """
    from orchlab import lifecycle

    lifecycle.status(_cluster())


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
    _cluster().autoscale(policy)


@command(**LOGS)
def k8s_logs(_: Context, follow: bool = False, tail: int = 20) -> None:  # noqa: FBT001, FBT002 - a flag
    """Print the last lines of each pod of the app.

    Example: invoke k8s-logs --follow --tail 5
    """
    _cluster().follow_logs(follow=follow, tail=tail)


@command(port="port on 127.0.0.1; 0 takes a free one")
def k8s_forward(_: Context, port: int = 0) -> None:
    """Pass a local port on to one pod of the app until Ctrl-C, past the nodes' own ports.

    Example: invoke k8s-forward --port 8080
    """
    _cluster().forward(port)


@command(**NODE)
def k8s_drain(_: Context, node: str) -> None:
    """Move the app's pods off a node, for maintenance; returns when they serve elsewhere.

    Example: invoke k8s-drain orchlab-worker
    """
    _cluster().drain(node)


@command(**NODE)
def k8s_uncordon(_: Context, node: str) -> None:
    """Let a drained node take pods again; Kubernetes moves none back by itself.

    Example: invoke k8s-uncordon orchlab-worker
    """
    _cluster().activate(node)


@command()
def k8s_down(_: Context) -> None:
    """Remove the Kubernetes cluster and its data.

    Example: invoke k8s-down
    """
    from orchlab import lifecycle
    from orchlab.images.store import ImageStore
    from orchlab.platforms.k8s.adapter import Kubernetes

    if lifecycle.engine_is_up():
        lifecycle.down(Kubernetes(ImageStore()))
