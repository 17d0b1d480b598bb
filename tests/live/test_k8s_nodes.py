"""Nodes of a Kubernetes: lost, cut off and back again, and what becomes of pods and data.

The cluster takes a node for lost after 50 s, and 10 s later (hardened) its pods are replaced;
until then a share of the requests goes to pods that are gone. How large it is, is what the
experiments measure: here requests are counted from then on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from orchlab.platforms import serving
from orchlab.platforms.base import Platform, Release
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.wait import wait_until
from tests.live.entries import count, counted, served
from tests.live.replicas import await_lost, await_replaced, ready

pytestmark = pytest.mark.only("k8s")

HEALED_S = 180.0


@pytest.fixture
def cluster(platform: Platform, release: Release) -> Iterator[Kubernetes]:
    """One control plane and two workers; left whole, with replicas on both workers."""
    made = cast("Kubernetes", platform)
    yield made
    made.mend()
    made.create()
    replicas = made.replicas()
    if len({each.node for each in replicas}) == 1:  # a new one goes to where there are fewer
        made.control.run("delete", "pod", "-n", NAMESPACE, replicas[0].name, "--wait=false")
    made.scale(release.replicas)


def worker_without_redis(cluster: Kubernetes) -> str:
    """A worker with a replica; without the volume of Redis, which could not be replaced."""
    held = cluster.store.node()
    return next(each.node for each in cluster.replicas() if each.node != held)


def test_a_killed_worker_is_replaced_and_gets_nothing_back(
    cluster: Kubernetes, release: Release, tmp_path: Path
) -> None:
    """Its pods run elsewhere; started again it rejoins, and nothing moves to it by itself."""
    lost = worker_without_redis(cluster)
    cluster.stop(lost)
    await_lost(cluster, lost, HEALED_S)
    await_replaced(cluster, lost, release.replicas, HEALED_S)
    before = {each.name for each in cluster.replicas()}
    with served(cluster, lost, tmp_path / "samples.jsonl"):
        cluster.start(lost)
    assert ready(cluster)[lost]
    cluster.await_serving(release.replicas)
    assert {each.name for each in cluster.replicas()} == before


def test_a_short_partition_moves_nothing(cluster: Kubernetes, release: Release) -> None:
    """Each side serves what it reaches; mended in time, the pods are those of before."""
    apart = worker_without_redis(cluster)
    before = cluster.replicas()
    inside = {each.name for each in before if each.node == apart}
    outside = {each.name for each in before} - inside
    entries = {each.node: each.url for each in cluster.endpoints()}
    cluster.cut(apart)
    assert inside >= answers(entries[apart])
    assert outside >= answers(entries[cluster.store.node()])
    cluster.mend()
    cluster.await_serving(release.replicas)
    assert {each.id for each in cluster.replicas()} == {each.id for each in before}


def answers(url: str) -> set[str]:
    """The replicas that answered until three requests were; two of three may lead nowhere."""
    met: list[str] = []

    def enough() -> bool:
        met.extend(filter(None, [serving.whoami(url)]))
        return len(met) == 3

    wait_until(f"three answers from {url}", enough, timeout=HEALED_S, pause=0)
    return set(met)


def test_workers_serve_on_without_the_control_plane(
    cluster: Kubernetes, release: Release, tmp_path: Path
) -> None:
    """With their data, and a crashed process is started anew; then orders are taken again."""
    control = next(each.name for each in cluster.nodes() if each.leader)
    victim = cluster.replicas()[0]
    with served(cluster, control, tmp_path / "samples.jsonl"):
        cluster.stop(control)
        entry = cluster.endpoints()[0].url
        assert counted(entry) < count(entry)
        before = len(k8s_nodes.task_pids(victim.node))
        cluster.crash(victim)
        wait_until(
            f"{victim.name} started anew by {victim.node}",
            lambda: len(k8s_nodes.task_pids(victim.node)) == before,
            timeout=HEALED_S,
        )
        cluster.start(control)
    cluster.scale(release.replicas + 1)
    assert all(ready(cluster).values())


def test_data_outlive_their_pod_and_their_node(cluster: Kubernetes, release: Release) -> None:
    """The volume is on one node's disk: Redis waits for that node and finds its data there."""
    held = cluster.store.node()
    entry = next(each.url for each in cluster.endpoints() if each.node != held)
    written = count(entry)
    cluster.recreate_store()
    assert counted(entry) == written
    cluster.stop(held)
    cluster.start(held)
    cluster.await_serving(release.replicas)
    serving.wait_for_store(cluster.endpoints, release.replicas)
    assert cluster.store.node() == held
    assert counted(entry) == written
