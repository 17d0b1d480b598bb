"""The plugin's example for Kubernetes, on the session's own cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from docs.examples.test_kind import (
    stack,
    test_a_crashed_container_is_started_again,
    test_pods_find_the_service_by_its_name,
)
from orchlab.platforms.base import Platform
from orchlab.testing import kind
from orchlab.testing.kind import KindLab
from orchlab.testing.lab import Lab

__all__ = [
    "stack",
    "test_a_crashed_container_is_started_again",
    "test_pods_find_the_service_by_its_name",
]

pytestmark = pytest.mark.only("k8s")


@pytest.fixture(scope="module")
def kind_cluster_lab(_orchlab: Lab) -> Iterator[KindLab]:
    """The plugin's own, but for this module: three idle nodes cost a fifth of a core to the end."""
    with kind.cluster(_orchlab) as made:
        yield made


@pytest.fixture(autouse=True)
def _beside_the_app(platform: Platform) -> None:
    """``kind_cluster_lab`` takes the cluster that is up, and leaves it up."""
