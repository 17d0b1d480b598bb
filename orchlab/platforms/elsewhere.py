"""Somebody's swarm and cluster, measured instead of the lab's own."""

from __future__ import annotations

from collections.abc import Callable

from orchlab.images.store import ImageStore
from orchlab.platforms.base import Platform
from orchlab.platforms.k8s import existing as k8s_existing
from orchlab.platforms.swarm import existing as swarm_existing


def named(
    context: str, host: str, k8s_context: str, namespace: str, registry: str
) -> dict[str, Callable[[ImageStore], Platform]]:
    """Platform -> its adapter, of those that are named; all of them pull from ``registry``.

    Raises what the two ``named`` raise: ``UsageError``, ``UnknownName``.
    """
    given = registry if k8s_context else ""
    cluster = k8s_existing.named(k8s_context, namespace, given, probed=True)
    swarm = swarm_existing.named(
        context, host, "" if cluster and not (context or host) else registry
    )
    found: dict[str, Callable[[ImageStore], Platform] | None] = {"swarm": swarm, "k8s": cluster}
    return {name: each for name, each in found.items() if each}
