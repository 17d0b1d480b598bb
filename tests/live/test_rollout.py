"""Updates under load on every platform: to a version and back, and to images that are bad."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchlab.platforms.base import Platform
from orchlab.records import Finding
from tests.live.replicas import versions

FOLLOWED = {
    "compose": "-> orchlab/app:2",
    "swarm": "update in progress",
    "k8s": "update: deployment/web",
}
"""What an update says while it goes on, from each platform's own progress."""

UNHEALTHY = {"compose": "unhealthy", "swarm": "unhealthy", "k8s": "404"}
"""How each platform puts it that every health check is answered with 404."""

MISSING = {"compose": "No such image", "swarm": "No such image", "k8s": "not found"}


@pytest.mark.question("update")
def test_an_update_and_its_rollback_lose_nothing(
    answer: Callable[[], Finding], platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under load every request is answered while all replicas move to a version and back."""
    finding = answer()
    assert finding.verdict == "pass", finding
    assert FOLLOWED[platform.name] in capsys.readouterr().err
    assert versions(platform) == {"1"}


@pytest.mark.parametrize(
    "reasons",
    [
        pytest.param(UNHEALTHY, id="failing", marks=pytest.mark.question("failing-image")),
        pytest.param(MISSING, id="missing", marks=pytest.mark.question("missing-image")),
    ],
)
def test_a_bad_image_is_undone(
    answer: Callable[[], Finding], platform: Platform, reasons: dict[str, str]
) -> None:
    """By itself, with the reason; the old replicas serve all the while, and some still do."""
    finding = answer()
    assert finding.verdict == "pass", finding
    assert reasons[platform.name] in str(finding.values["reason"])
    assert not str(finding.values["replicas_kept"]).startswith("0")
    assert versions(platform) == {"1"}
