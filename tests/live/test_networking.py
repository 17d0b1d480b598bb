from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from orchlab.platforms.base import Platform, Release
from orchlab.records import Finding
from orchlab.wait import wait_until


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

    def told() -> dict[str, str]:
        """Of as many answers as let each replica have several turns."""
        answers = [
            requests.get(f"{entry}/whoami", timeout=5, headers={"Connection": "close"}).json()
            for _ in range(4 * release.replicas)
        ]
        return {each["replica"]: each["node"] for each in answers}

    # One that an earlier test scaled away serves on while it drains.
    wait_until("only replicas that stay answer", lambda: told().keys() <= known.keys(), timeout=30)
    assert told().items() <= known.items()


@pytest.mark.question("balance")
def test_new_connections_reach_every_replica(answer: Callable[[], Finding]) -> None:
    """New connections through every entry node reach every replica."""
    finding = answer()
    assert finding.verdict == "pass", finding
    assert finding.values["replicas_new"] == "3 of 3"


@pytest.mark.question("control")
def test_a_healthy_release_loses_nothing(answer: Callable[[], Finding]) -> None:
    """With no fault, no request fails."""
    finding = answer()
    assert finding.verdict == "pass", finding


@pytest.mark.question("names")
def test_names_resolve_from_every_replica(answer: Callable[[], Finding]) -> None:
    """On every node a replica finds the app's services by name, and talks to Redis by its own."""
    finding = answer()
    assert finding.verdict == "pass", finding


@pytest.mark.question("entries")
def test_nodes_without_a_replica_answer(answer: Callable[[], Finding], platform: Platform) -> None:
    """Every node leads to the replicas, wherever they are; one host has no such node."""
    finding = answer()
    assert finding.verdict == ("limit" if len(platform.endpoints()) == 1 else "pass"), finding


@pytest.mark.question("isolation")
def test_a_stranger_does_not_reach_redis(answer: Callable[[], Finding], platform: Platform) -> None:
    """By its name and by its address, unless a network plugin ignores the policies."""
    finding = answer()
    ignored = "not enforced" in platform.facts().knobs.get("network policies", "")
    assert finding.verdict == ("limit" if ignored else "pass"), finding


@pytest.mark.question("network-modes")
@pytest.mark.only("compose", "k8s")
def test_kinds_of_network_are_as_documented(answer: Callable[[], Finding]) -> None:
    """In which a neighbour is found by name, by address, or not at all."""
    finding = answer()
    assert finding.verdict == "pass", finding


@pytest.mark.question("network-cost")
def test_the_network_s_cost_is_measured(answer: Callable[[], Finding]) -> None:
    """On one node and from the host; across nodes where there are several."""
    finding = answer()
    assert finding.verdict == "pass", finding
    assert finding.values["same_node_gbit_per_s"] > 0
