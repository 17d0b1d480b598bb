"""More and fewer replicas and nodes under load, on every platform."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from orchlab.errors import OrchlabError, UnknownName
from orchlab.platforms.base import Drainable, NodeFaults, Platform
from orchlab.records import Finding


@pytest.mark.question("scale")
def test_scaling_loses_nothing(answer: Callable[[], Finding]) -> None:
    """From 3 to 6, to 2 and back."""
    finding = answer()
    assert finding.verdict == "pass", finding


@pytest.mark.question("drain")
@pytest.mark.only("swarm", "k8s")
def test_a_drain_loses_nothing(answer: Callable[[], Finding], platform: Platform) -> None:
    """Every replica moves off a worker; what enters through the other nodes is all served."""
    finding = answer()
    assert finding.verdict == "pass", finding
    drained = cast("Drainable", platform)
    with pytest.raises(OrchlabError, match="volume of Redis"):
        drained.drain(cast("NodeFaults", platform).store_node())
    with pytest.raises(UnknownName):
        drained.drain("nowhere")


@pytest.mark.question("autoscale")
@pytest.mark.only("swarm", "k8s")
def test_replicas_follow_the_load(answer: Callable[[], Finding]) -> None:
    """More of them under load, fewer after it, without anybody's order."""
    finding = answer()
    assert finding.verdict == "pass", finding
