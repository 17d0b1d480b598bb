"""Processes and machines that are broken, on every platform."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchlab.platforms.base import Platform, Release
from orchlab.records import Finding

HEALED = {"compose": "limit", "swarm": "pass", "k8s": "pass"}
"""Compose restarts what ends, and leaves alone what hangs."""


@pytest.mark.question("crash")
def test_a_crashed_process_comes_back(
    answer: Callable[[], Finding], platform: Platform, release: Release
) -> None:
    """After SIGKILL of one app process, clients and all replicas recover by themselves."""
    finding = answer()
    assert finding.verdict == "pass", finding
    assert sum(replica.ready for replica in platform.replicas()) == release.replicas


@pytest.mark.question("hang")
def test_a_hung_process_is_noticed(answer: Callable[[], Finding], platform: Platform) -> None:
    """Clients are led round it everywhere; only some replace it."""
    finding = answer()
    assert finding.verdict == HEALED[platform.name], finding
    assert isinstance(finding.values["recovered_s"], float)


@pytest.mark.question("node-loss")
@pytest.mark.only("swarm", "k8s")
def test_a_lost_worker_is_replaced(answer: Callable[[], Finding]) -> None:
    """Its replicas run elsewhere, and clients of the other nodes are served again."""
    finding = answer()
    assert finding.verdict == "pass", finding
    assert isinstance(finding.values["capacity_s"], float)


@pytest.mark.question("control-loss")
@pytest.mark.only("swarm", "k8s")
def test_workers_serve_on_without_the_control_plane(answer: Callable[[], Finding]) -> None:
    """While nobody decides; afterwards orders are taken again."""
    finding = answer()
    assert finding.verdict == "pass", finding


@pytest.mark.question("partition")
@pytest.mark.only("swarm", "k8s")
def test_a_partition_is_survived_and_mended(answer: Callable[[], Finding]) -> None:
    """The majority replaces what it lost, the cut-off node keeps what it has; then they join."""
    finding = answer()
    assert finding.verdict == "pass", finding
