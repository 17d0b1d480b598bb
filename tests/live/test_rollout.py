"""Updates under load on every platform: to a version and back, and to an image that is broken."""

from __future__ import annotations

from typing import cast

import pytest

from orchlab.images.store import Image
from orchlab.platforms.base import Platform, Release, Updatable
from tests.live.replicas import NoLoss, identities, versions

FOLLOWED = {
    "compose": "-> orchlab/app:2",
    "swarm": "update in progress",
    "k8s": "update: deployment/web",
}
"""What an update says while it goes on, from each platform's own progress."""

SYMPTOM = {"compose": "unhealthy", "swarm": "unhealthy", "k8s": "404"}
"""How each platform puts it that every health check is answered with 404."""


def test_an_update_and_its_rollback_lose_nothing(
    platform: Platform, version_2: Image, no_loss: NoLoss, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under load every request is answered while all replicas move to a version and back."""
    updatable = cast("Updatable", platform)
    with no_loss():
        assert updatable.update(version_2).outcome == "updated"
        assert FOLLOWED[platform.name] in capsys.readouterr().err
        assert versions(platform) == {"2"}
        assert updatable.rollback().outcome == "updated"
    assert versions(platform) == {"1"}


def test_an_image_that_fails_its_health_checks_is_undone(
    platform: Platform, broken: Image, release: Release, no_loss: NoLoss
) -> None:
    """By itself, with the reason; the old replicas serve all the while, and some still do."""
    before = identities(platform)
    with no_loss():
        rollout = cast("Updatable", platform).update(broken)
    assert rollout.outcome == "rolled-back"
    assert rollout.image.endswith(release.image.reference)
    assert SYMPTOM[platform.name] in rollout.reason
    assert before & identities(platform)
    assert versions(platform) == {"1"}
