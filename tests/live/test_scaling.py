"""More and fewer replicas under load, on every platform."""

from __future__ import annotations

from typing import cast

from orchlab.platforms.base import Platform, Release, Scalable
from tests.live.replicas import NoLoss


def test_scaling_loses_nothing(platform: Platform, release: Release, no_loss: NoLoss) -> None:
    """From 3 to 6, to 2 and back."""
    scalable = cast("Scalable", platform)
    try:
        with no_loss():
            for replicas in (6, 2):
                scalable.scale(replicas)
                assert len(platform.replicas()) == replicas
    finally:
        scalable.scale(release.replicas)
