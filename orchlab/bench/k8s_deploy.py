"""`invoke k8s-deploy` and `k8s-update` against the same `kubectl` lines by hand.

By hand the rollout is awaited with `kubectl rollout status`; the task awaits more, that every
node's port leads to every replica. The nodes are up and have every image.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchlab import console, shell
from orchlab.bench.echoes import echoed
from orchlab.bench.figure import Reading, Sides
from orchlab.bench.stopwatch import quiet, timed
from orchlab.images.store import ImageStore
from orchlab.paths import ROOT
from orchlab.platforms.base import HARDENED
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.rollout import DEPLOYMENT, STATEFUL_SET

INVOKE = [sys.executable, "-m", "invoke"]
DEPLOY = [*INVOKE, "k8s-deploy", f"--variant={HARDENED}"]
APPLY = "kubectl apply -k"


@contextmanager
def deploy(images: ImageStore) -> Iterator[Sides]:
    """Both from a cluster without the app to one that runs it."""
    with _warm(images) as (cluster, apply):
        script = deploy_by_hand(apply)
        yield Sides(
            ours=lambda: _timed(DEPLOY, cluster.undeploy),
            other=lambda: _timed(["sh", "-ec", script], cluster.undeploy),
            knobs={"by hand": script, "before each": "namespace and volumes removed"},
        )


@contextmanager
def update(images: ImageStore) -> Iterator[Sides]:
    """Both from one version of the app to the other, each reading the opposite way."""
    with _warm(images) as (cluster, apply):
        versions = itertools.cycle(("2", "1"))
        for version in ("1", "2"):
            cluster.publish(images.app(version))

        def command(version: str) -> list[str]:
            image = cluster.published[images.app(version).reference]
            return ["sh", "-ec", update_by_hand(apply, image)]

        yield Sides(
            ours=lambda: _timed([*INVOKE, "k8s-update", f"--app-version={next(versions)}"]),
            other=lambda: _timed(command(next(versions))),
            knobs={
                "by hand": update_by_hand(apply, "IMAGE"),
                "variant": HARDENED,
                "before each": "nothing",
            },
        )


def deploy_by_hand(apply: str) -> str:
    """The line ``apply`` of the task, then wait for both."""
    return "\n".join([apply, _status(apply, STATEFUL_SET), _status(apply, DEPLOYMENT)])


def update_by_hand(apply: str, image: str) -> str:
    """Set the image, with the program and the cluster of the line ``apply``, then wait."""
    program, _, _ = apply.partition("apply -k")
    change = f"{program}set image -n {NAMESPACE} {DEPLOYMENT} web={image}"
    return f"{change}\n{_status(apply, DEPLOYMENT)}"


def _status(apply: str, workload: str) -> str:
    program, _, _ = apply.partition("apply -k")
    return f"{program}rollout status -n {NAMESPACE} {workload} --timeout=180s"


@contextmanager
def _warm(images: ImageStore) -> Iterator[tuple[Kubernetes, str]]:
    """A cluster that runs the hardened variant, and the command that deployed it."""
    cluster = Kubernetes(images)
    try:
        with console.step("k8s-deploy: once for warming up"):
            output = shell.run(DEPLOY, cwd=ROOT, on_line=quiet)
        yield cluster, echoed(output, APPLY)[0]
    finally:
        cluster.delete()


def _timed(command: list[str], before: Callable[[], None] = lambda: None) -> Reading:
    return timed(lambda: shell.run(command, cwd=ROOT, echo=False), before)
