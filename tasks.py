"""The commands of the lab: parse arguments, make one call each.

``invoke --list`` shows them all, ``invoke --help TASK`` one with an example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.collection import Collection
from invoke.tasks import task

from orchlab import labels
from orchlab.guard import guarded

if TYPE_CHECKING:
    from invoke.context import Context

IMAGES = {
    "images": "auto: pull where a registry answers, else build; pull; build (from packages)",
}
DEPLOY = IMAGES | {"replicas": "how many copies of the app"}


@task
@guarded
def doctor(_: Context) -> None:
    """Show what this machine has, what is missing, and how to mend it.

    Changes nothing. Exit code 3 when something that the lab needs is missing.

    Example: invoke doctor
    """
    from orchlab.engine import doctor

    doctor.require()


@task(help=IMAGES | {"only": "one image of the catalogue instead of all of them"})
@guarded
def images(_: Context, images: str = "auto", only: str = "") -> None:
    """Bring every image that the lab uses into the engine.

    Example: invoke images --images build
    """
    from orchlab import lifecycle

    lifecycle.provide_images(images, only)


@task(help=DEPLOY | {"port": "port on 127.0.0.1; 0 takes a free one"})
@guarded
def compose_up(_: Context, replicas: int = 3, port: int = 0, images: str = "auto") -> None:
    """Bring the app up as a Compose stack.

    Example: invoke compose-up --replicas 3 --port 8080
    """
    from orchlab import lifecycle

    lifecycle.up("compose", replicas, images, port=port)


@task
@guarded
def compose_down(_: Context) -> None:
    """Remove the Compose stack and its data.

    Example: invoke compose-down
    """
    from orchlab import lifecycle

    lifecycle.down("compose")


@task(help=DEPLOY)
@guarded
def swarm_deploy(_: Context, replicas: int = 3, images: str = "auto") -> None:
    """Make a Swarm of three nodes, if there is none, and deploy the app to it.

    Example: invoke swarm-deploy --replicas 3
    """
    from orchlab import lifecycle

    lifecycle.up("swarm", replicas, images)


@task
@guarded
def swarm_down(_: Context) -> None:
    """Remove the Swarm, its nodes and its data.

    Example: invoke swarm-down
    """
    from orchlab import lifecycle

    lifecycle.down("swarm")


@task(help=DEPLOY)
@guarded
def k8s_deploy(_: Context, replicas: int = 3, images: str = "auto") -> None:
    """Make a Kubernetes of three kind nodes, if there is none, and deploy the app to it.

    Example: invoke k8s-deploy --replicas 3
    """
    from orchlab import lifecycle

    lifecycle.up("k8s", replicas, images)


@task
@guarded
def k8s_down(_: Context) -> None:
    """Remove the Kubernetes cluster and its data.

    Example: invoke k8s-down
    """
    from orchlab import lifecycle

    lifecycle.down("k8s")


@task(
    help=IMAGES
    | {
        "platforms": "comma-separated: compose,swarm,k8s",
        "experiments": "comma-separated: control,balance,recreate,crash",
        "keep": "leave the platforms up afterwards",
    }
)
@guarded
def compare(
    _: Context,
    platforms: str = "",
    experiments: str = "",
    images: str = "auto",
    keep: bool = False,  # noqa: FBT001, FBT002 - invoke turns it into a flag
) -> None:
    """Measure the platforms side by side; print a table and write a report.

    Works in a lab of its own (orchlab-compare): stacks that you brought up stay
    as they are. Exit code 1 when a promise was broken.

    Example: invoke compare --platforms compose,swarm --experiments control,crash
    """
    labels.enter("compare")
    from orchlab import runner

    runner.compare(platforms, experiments, images, keep=keep)


@task(help={"run": "a directory below results/; the newest if not given"})
@guarded
def report(_: Context, run: str = "") -> None:
    """Judge a run again from its raw samples and rewrite its report; needs no engine.

    Example: invoke report --run results/20260102T030405Z
    """
    from orchlab import runner

    runner.report(run)


@task(help={"keep-images": "keep the images; they take the longest to come back"})
@guarded
def clean(_: Context, keep_images: bool = False) -> None:  # noqa: FBT001, FBT002 - a flag
    """Remove all that the lab made in the engine, found by its label; stop a private engine.

    Results and the caches in the user's directories stay.

    Example: invoke clean --keep-images
    """
    from orchlab import lifecycle

    lifecycle.clean(keep_images=keep_images)


namespace = Collection(
    doctor,
    images,
    compose_up,
    compose_down,
    swarm_deploy,
    swarm_down,
    k8s_deploy,
    k8s_down,
    compare,
    report,
    clean,
)
