"""``k8s-up``: the nodes, as many as are asked for, and nothing half made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import console, labels, sweep
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.adapter import Kubernetes


def bring_up(cluster: Kubernetes) -> None:
    """Make the cluster of its size, or start or mend the one there is.

    Raises what ``Kubernetes.create`` raises. A cluster that was made until then is
    removed again, one that was there before stays; ``cluster.keep`` leaves both.
    """
    cluster.prepare()
    with undone_on_failure(cluster):
        cluster.create()


@contextmanager
def undone_on_failure(cluster: Kubernetes) -> Iterator[None]:
    """Remove the nodes that were made within the block when it fails or is interrupted."""
    before = {each.id for each in k8s_nodes.containers()}
    try:
        yield
    except BaseException:
        made = sorted(str(each.name) for each in k8s_nodes.containers() if each.id not in before)
        if cluster.keep:
            console.note(f"kept for you to look at: {', '.join(made) or 'no new node'}")
        elif made or not before:
            cluster.delete()
            sweep.leftover(labels.LAB)
        raise
