"""A Swarm of three nodes by the lab, and by a bare shell script that takes the same steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab import labels, paths, shell, sweep
from orchlab.bench.figure import Sides
from orchlab.bench.stopwatch import timed
from orchlab.images.store import ImageStore
from orchlab.platforms.nodes import PLATFORM
from orchlab.platforms.swarm import cluster as swarm_cluster
from orchlab.platforms.swarm.fleet import Fleet

SCRIPT = Path(__file__).resolve().with_name("swarm_up.sh")
SECONDS = 120.0
NO_REGISTRY = "registry.invalid:5000"
"""No image is pulled here, so the nodes' registry need not exist."""


@contextmanager
def sides(images: ImageStore) -> Iterator[Sides]:
    """Both from no node to three that are ready, with the image of a node in place."""
    node = images.ensure("swarm-node").reference
    environment = {"LAB": labels.LAB, "IMAGE": node, "DIRECTORY": str(paths.lab_dir() / PLATFORM)}

    def lab() -> None:
        fleet = Fleet(managers=1, workers=2)
        fleet.ensure_network()
        swarm_cluster.ensure(fleet, node, NO_REGISTRY)

    def script() -> None:
        shell.run(["sh", SCRIPT], env=environment, timeout=SECONDS)

    try:
        yield Sides(
            ours=lambda: timed(lab, _remove),
            other=lambda: timed(script, _remove),
            knobs={
                "steps": "network, volumes, three nodes, init, join, all ready, store label",
                "by hand": f"{SCRIPT.parent.name}/{SCRIPT.name}",
                "before each": "nodes with their volumes and network removed",
            },
        )
    finally:
        _remove()


def _remove() -> None:
    Fleet().remove()
    sweep.sweep(labels.LAB, PLATFORM)
