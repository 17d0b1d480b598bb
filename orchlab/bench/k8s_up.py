"""A cluster of three nodes by the lab, and by `kind create cluster` with `kubectl wait`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab import labels, shell
from orchlab.bench.figure import Sides
from orchlab.bench.stopwatch import quiet, timed
from orchlab.images.node import tools
from orchlab.images.store import ImageStore
from orchlab.paths import K8S
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.k8s.creation import NETWORK_VARIABLE

SCRIPT = Path(__file__).resolve().with_name("k8s_up.sh")


@contextmanager
def sides(images: ImageStore) -> Iterator[Sides]:
    """Both from no node to three whose own pods are ready; network and images are in place."""
    cluster = Kubernetes(images)
    cluster.prepare()
    node = images.ensure("kind-node").reference
    environment = {
        "LAB": labels.LAB,
        "IMAGE": node,
        "KIND": str(tools.kind()),
        "KUBECTL": str(cluster.control.kubectl),
        "CONFIG": str(K8S / "kind.yaml"),
        "KUBECONFIG": str(k8s_api.kubeconfig()),
        NETWORK_VARIABLE: k8s_nodes.network_name(),
    }
    try:
        cluster.create()
        yield Sides(
            ours=lambda: timed(cluster.create, k8s_nodes.remove),
            other=lambda: timed(
                lambda: shell.run(["sh", SCRIPT], env=environment, on_line=quiet),
                k8s_nodes.remove,
            ),
            knobs={
                "by hand": f"{SCRIPT.parent.name}/{SCRIPT.name}",
                "node image": node,
                "before each": "nodes with their volumes removed; network and registry stay",
            },
        )
    finally:
        cluster.delete()
