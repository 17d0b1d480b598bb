"""A worker that can be taken away: it has a replica, and not the volume of Redis."""

from __future__ import annotations

from typing import cast

from orchlab.errors import OrchlabError
from orchlab.experiments.base import Bench
from orchlab.platforms.base import NodeFaults, Scalable
from orchlab.platforms.capabilities import Tracking


def spread_worker(bench: Bench) -> str:
    """The name of one. Raises ``OrchlabError`` when no worker can be given a replica."""
    spread(bench)
    held = _store_node(bench)
    found = [each for each in _workers(bench) if each in _used(bench) and each != held]
    if not found:
        raise OrchlabError("no worker without the volume of Redis has a replica", "add a worker")
    return found[0]


def whole_again(bench: Bench) -> None:
    """After all nodes are back: the release as it was, and nothing that a next question meets."""
    bench.restore()
    if isinstance(bench.platform, Tracking):
        bench.platform.forget_attempts()
    spread(bench)


def spread(bench: Bench) -> None:
    """Let every worker have a replica, as far as there are enough of them.

    No platform moves a replica to a node that came back. So more are run for a moment: each
    platform takes away first where there are most. Not twice as many, since Kubernetes counts
    once, before it takes any: of nodes with equally many it would empty the newcomer again.
    """
    bare = set(_workers(bench)) - _used(bench)
    if bare and isinstance(bench.platform, Scalable):
        for replicas in (2 * bench.release.replicas - 1, bench.release.replicas):
            bench.platform.scale(replicas)


def _workers(bench: Bench) -> list[str]:
    nodes = cast("NodeFaults", bench.platform).nodes()
    return [each.name for each in nodes if each.ready and not each.control]


def _used(bench: Bench) -> set[str]:
    return {each.node for each in bench.ready()}


def _store_node(bench: Bench) -> str:
    return cast("NodeFaults", bench.platform).store_node()
