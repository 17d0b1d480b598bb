from __future__ import annotations

from collections.abc import Callable

from orchlab.platforms.base import Platform, Release
from orchlab.records import Finding


def test_a_crashed_process_comes_back(
    answer: Callable[[str], Finding], platform: Platform, release: Release
) -> None:
    """After SIGKILL of one app process, clients and all replicas recover by themselves."""
    finding = answer("crash")
    assert finding.verdict == "pass", finding
    assert sum(replica.ready for replica in platform.replicas()) == release.replicas
