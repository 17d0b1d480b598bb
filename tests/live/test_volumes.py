from __future__ import annotations

from collections.abc import Callable

from orchlab.records import Finding


def test_data_survive_a_new_redis_container(answer: Callable[[str], Finding]) -> None:
    """Every acknowledged write is still there after the Redis container is replaced."""
    finding = answer("recreate")
    assert finding.verdict == "pass", finding
    assert finding.values["read"] == finding.values["written"]
