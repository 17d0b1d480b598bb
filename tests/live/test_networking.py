from __future__ import annotations

from collections.abc import Callable

import requests

from orchlab.platforms.base import Platform, Release
from orchlab.records import Finding


def test_every_entry_node_serves(platform: Platform) -> None:
    """Each entry node answers, wherever the replicas are."""
    for endpoint in platform.endpoints():
        answer = requests.get(f"{endpoint.url}/whoami", timeout=5)
        assert answer.status_code == 200, endpoint
        assert answer.json()["replica"]


def test_replicas_say_who_they_are(platform: Platform, release: Release) -> None:
    """The name and node that a replica reports are those that the platform reports."""
    entry = platform.endpoints()[0].url
    known = {replica.name: replica.node for replica in platform.replicas()}
    assert len(known) == release.replicas
    for _ in range(4 * release.replicas):
        said = requests.get(f"{entry}/whoami", timeout=5, headers={"Connection": "close"}).json()
        assert known[said["replica"]] == said["node"]


def test_new_connections_reach_every_replica(answer: Callable[[str], Finding]) -> None:
    """New connections through every entry node reach every replica."""
    finding = answer("balance")
    assert finding.verdict == "pass", finding
    assert finding.values["replicas_new"] == "3 of 3"


def test_a_healthy_release_loses_nothing(answer: Callable[[str], Finding]) -> None:
    """With no fault, no request fails."""
    finding = answer("control")
    assert finding.verdict == "pass", finding
