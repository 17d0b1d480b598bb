"""The plugin's example for Kubernetes, on the session's own cluster."""

from __future__ import annotations

import pytest

from docs.examples.test_kind import (
    stack,
    test_a_crashed_container_is_started_again,
    test_pods_find_the_service_by_its_name,
)
from orchlab.platforms.base import Platform

__all__ = [
    "stack",
    "test_a_crashed_container_is_started_again",
    "test_pods_find_the_service_by_its_name",
]

pytestmark = pytest.mark.only("k8s")


@pytest.fixture(autouse=True)
def _beside_the_app(platform: Platform) -> None:
    """``kind_cluster_lab`` takes the cluster that is up, and leaves it up."""
