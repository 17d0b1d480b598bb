"""Which worker is taken away, and how it comes to have a replica."""

from __future__ import annotations

import pytest

from orchlab.errors import OrchlabError
from orchlab.experiments.base import Bench
from orchlab.experiments.workers import spread_worker, whole_again
from orchlab.images.store import Image
from orchlab.platforms.base import ClusterNode, Release, Replica


class Machines:
    """Two workers and a control plane; a bigger number of replicas reaches both workers."""

    def __init__(self, *nodes: str, reaches: str = "w2") -> None:
        self.used = list(nodes)
        self.reaches = reaches
        self.scaled: list[int] = []
        self.done: list[str] = []

    def nodes(self) -> list[ClusterNode]:
        control = ClusterNode("c", control=True, leader=True, ready=True)
        return [control, *(ClusterNode(n, False, False, True) for n in ("w1", "w2"))]  # noqa: FBT003

    def store_node(self) -> str:
        return "w1"

    def replicas(self) -> list[Replica]:
        return [Replica(f"r{i}", f"r{i}", node, ready=True) for i, node in enumerate(self.used)]

    def deploy(self, release: Release) -> None:
        self.done.append(f"deploy {release.variant}")

    def forget_attempts(self) -> None:
        self.done.append("forget")

    def scale(self, replicas: int) -> None:
        self.scaled.append(replicas)
        self.used = [*self.used, self.reaches] * replicas


def bench(machines: Machines) -> Bench:
    release = Release(Image("app:1", "x"), 2, "hardened")
    return Bench(machines, release, lambda _: None, lambda: None)  # type: ignore[arg-type]


def test_the_node_of_redis_is_never_taken_away() -> None:
    """Another worker that has a replica is; nothing is moved for it."""
    machines = Machines("w1", "w2")
    assert spread_worker(bench(machines)) == "w2"
    assert machines.scaled == []


def test_a_worker_without_a_replica_gets_one_first() -> None:
    """By more replicas than released, for a moment."""
    machines = Machines("w1", "w1")
    assert spread_worker(bench(machines)) == "w2"
    assert machines.scaled == [3, 2]


def test_a_cluster_in_which_no_worker_can_be_taken_away_is_an_error() -> None:
    """All replicas stay where Redis is."""
    with pytest.raises(OrchlabError, match="no worker"):
        spread_worker(bench(Machines("w1", "w1", reaches="w1")))


def test_afterwards_no_node_leads_a_client_to_what_is_gone() -> None:
    """Else single requests of the next question would be lost, up to two minutes later."""
    machines = Machines("w1", "w1")
    whole_again(bench(machines))
    assert machines.done == ["deploy hardened", "forget"]
    assert machines.scaled == [3, 2]
