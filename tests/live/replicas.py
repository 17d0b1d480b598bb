"""What the live tests ask of the replicas of any platform."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from orchlab.platforms.base import Platform

NoLoss = Callable[..., AbstractContextManager[None]]


def versions(platform: Platform) -> set[str]:
    """What the replicas say that they are, asked inside each."""
    return {platform.exec(each, "printenv", "APP_VERSION").strip() for each in platform.replicas()}


def identities(platform: Platform) -> set[str]:
    """Each replica's present life."""
    return {each.id for each in platform.replicas()}
