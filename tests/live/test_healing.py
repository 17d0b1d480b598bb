from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from orchlab.platforms.base import HangFaults, Platform, Release
from orchlab.records import Finding
from orchlab.wait import wait_until

HEALED_S = 60.0


def test_a_crashed_process_comes_back(
    answer: Callable[[str], Finding], platform: Platform, release: Release
) -> None:
    """After SIGKILL of one app process, clients and all replicas recover by themselves."""
    finding = answer("crash")
    assert finding.verdict == "pass", finding
    assert sum(replica.ready for replica in platform.replicas()) == release.replicas


@pytest.mark.only("swarm", "k8s")
def test_a_hung_process_is_replaced(platform: Platform, release: Release) -> None:
    """Stopped, it fails its health check and is started anew; Compose would leave it hung."""
    faults = cast("HangFaults", platform)
    victim = platform.replicas()[0]
    faults.hang(victim)

    def healed() -> bool:
        ready = {each.id for each in platform.replicas() if each.ready}
        return len(ready) == release.replicas and victim.id not in ready

    wait_until("the replica is replaced", healed, timeout=HEALED_S)
    faults.resume(victim)
