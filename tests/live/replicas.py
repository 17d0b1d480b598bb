"""What the live tests ask of the replicas of any platform, and of the nodes that they are on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from orchlab.platforms.base import NodeFaults, Platform
from orchlab.wait import wait_until

NoLoss = Callable[..., AbstractContextManager[None]]


def versions(platform: Platform) -> set[str]:
    """What the replicas say that they are, asked inside each."""
    return {platform.exec(each, "printenv", "APP_VERSION").strip() for each in platform.replicas()}


def identities(platform: Platform) -> set[str]:
    """Each replica's present life."""
    return {each.id for each in platform.replicas()}


def ready(platform: NodeFaults) -> dict[str, bool]:
    """Which nodes the control plane counts on."""
    return {each.name: each.ready for each in platform.nodes()}


def await_replaced(platform: Platform, lost: str, count: int, timeout: float) -> None:
    """Return when all replicas run, none of them on the lost node."""

    def check() -> bool:
        found = [each for each in platform.replicas() if each.ready]
        return len(found) == count and lost not in {each.node for each in found}

    wait_until(
        f"{count} replicas elsewhere than on {lost}",
        check,
        timeout=timeout,
        state=lambda: str(platform.replicas()),
    )
