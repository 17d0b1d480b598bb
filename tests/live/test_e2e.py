"""The cluster, checked by what no one here wrote: a part of Kubernetes' own tests."""

from __future__ import annotations

from typing import cast

import pytest

from orchlab.e2e import suite
from orchlab.images.store import ImageStore
from orchlab.platforms.base import Platform
from orchlab.platforms.k8s.adapter import Kubernetes

pytestmark = [pytest.mark.e2e, pytest.mark.only("k8s")]


@pytest.mark.parametrize("subject", suite.USUAL)
def test_kubernetes_own_tests_pass(platform: Platform, images: ImageStore, subject: str) -> None:
    """All of them that are about this subject."""
    found = suite.run(cast("Kubernetes", platform), images, subject)
    assert found
    assert [each for each in found if not each.passed] == []
