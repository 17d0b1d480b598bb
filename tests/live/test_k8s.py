from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import cast

import docker
import pytest

from orchlab import labels
from orchlab.errors import OrchlabError, UnknownName
from orchlab.images.store import Image, ImageStore
from orchlab.platforms.base import Platform, Release, Replica
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.wait import wait_until

pytestmark = pytest.mark.only("k8s")

NoLoss = Callable[[], AbstractContextManager[None]]
HEALED_S = 60.0
SERVES_404 = 'CMD ["python3", "-m", "http.server", "8000"]'


@pytest.fixture
def cluster(platform: Platform) -> Kubernetes:
    """The adapter with all that it can do beyond a platform."""
    return cast("Kubernetes", platform)


@pytest.fixture
def version_2(cluster: Kubernetes, images: ImageStore) -> Image:
    """A newer app, which every node has."""
    image = images.app("2")
    cluster.publish(image)
    return image


@pytest.fixture
def broken(cluster: Kubernetes, release: Release) -> Iterator[Image]:
    """An image that boots and answers every request, health checks too, with 404."""
    client = docker.from_env()
    container = client.containers.create(release.image.reference, labels=labels.labels())
    repository = release.image.reference.rpartition(":")[0]
    image = container.commit(repository, "broken", changes=SERVES_404)
    container.remove()
    reference = f"{repository}:broken"
    try:
        made = Image(reference, str(image.id))
        cluster.publish(made)
        yield made
    finally:
        client.images.remove(reference)


def versions(cluster: Kubernetes) -> set[str]:
    """What the replicas say that they are, asked inside each."""
    return {cluster.exec(each, "printenv", "APP_VERSION").strip() for each in cluster.replicas()}


def test_an_update_and_its_rollback_lose_nothing(
    cluster: Kubernetes, version_2: Image, no_loss: NoLoss
) -> None:
    """Under load every request is answered while all replicas move to a version and back."""
    with no_loss():
        assert cluster.update(version_2).outcome == "updated"
        assert versions(cluster) == {"2"}
        assert cluster.rollback().outcome == "updated"
    assert versions(cluster) == {"1"}


def test_an_image_that_fails_its_probes_is_undone(
    cluster: Kubernetes, broken: Image, release: Release, no_loss: NoLoss
) -> None:
    """The old pods serve all the while; the reason names what the probe saw."""
    before = {each.id for each in cluster.replicas()}
    with no_loss():
        rollout = cluster.update(broken)
    assert rollout.outcome == "rolled-back"
    assert rollout.image.endswith(release.image.reference)
    assert "404" in rollout.reason
    assert {each.id for each in cluster.replicas()} == before


def test_an_image_that_does_not_exist_is_undone_and_never_gone_back_to(
    cluster: Kubernetes, version_2: Image, no_loss: NoLoss
) -> None:
    """A tag that no registry has: the reason says so, and a later rollback passes it over."""
    cluster.update(version_2)
    try:
        with no_loss():
            rollout = cluster.rollouts.update(f"{cluster.registry.host}/orchlab/app:missing")
        assert rollout.outcome == "rolled-back"
        assert "not found" in rollout.reason
        assert "missing" in cluster.rollouts.history()[-2].image
    finally:
        cluster.rollback()
    assert versions(cluster) == {"1"}


def test_scaling_loses_nothing(cluster: Kubernetes, release: Release, no_loss: NoLoss) -> None:
    """From 3 to 5, to 2 and back, under load."""
    try:
        with no_loss():
            for replicas in (5, 2):
                cluster.scale(replicas)
                assert len(cluster.replicas()) == replicas
    finally:
        cluster.scale(release.replicas)


def test_replicas_are_spread_over_the_workers(cluster: Kubernetes) -> None:
    """No worker has two replicas more than another; the control plane has none."""
    nodes = [each.node for each in cluster.replicas()]
    counts = sorted(nodes.count(name) for name in set(nodes))
    assert len(counts) == 2
    assert counts[-1] - counts[0] <= 1
    assert not any(name.endswith("control-plane") for name in nodes)


def test_a_drain_loses_nothing(cluster: Kubernetes, release: Release, no_loss: NoLoss) -> None:
    """Every replica moves off a worker, one at a time as the budget says, while all is served."""
    held = cluster.store.node()
    worker = next(each.node for each in cluster.replicas() if each.node != held)
    try:
        with no_loss():
            cluster.drain(worker)
            replicas = cluster.replicas()
        assert sum(each.ready for each in replicas) == release.replicas
        assert worker not in {each.node for each in replicas}
    finally:
        cluster.activate(worker)
        cluster.deploy(release)
    with pytest.raises(OrchlabError, match="volume of Redis"):
        cluster.drain(held)
    with pytest.raises(UnknownName):
        cluster.drain("nowhere")


def test_a_hung_process_is_replaced(cluster: Kubernetes) -> None:
    """Stopped, it leaves the Service, and the liveness probe has it started anew."""
    victim = cluster.replicas()[0]
    cluster.hang(victim)

    def healed() -> Replica | None:
        found = {each.name: each for each in cluster.replicas()}[victim.name]
        return found if found.ready and found.id != victim.id else None

    wait_until("the replica is replaced", healed, timeout=HEALED_S)
    cluster.resume(victim)


def test_status_and_logs_show_what_runs(
    cluster: Kubernetes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every node, replica, endpoint and the current image are in the tables."""
    tables = {table.title: table.rows for table in cluster.status()}
    names = {each.name for each in cluster.replicas()}
    assert len(tables["nodes"]) == 3
    assert names <= {row[0] for row in tables["pods"]}
    assert names == {row[1] for row in tables["endpoints of web"] if row[3] == "yes"}
    assert cluster.rollouts.history()[-1].image.endswith(tables["rollout history"][-1][1])
    cluster.follow_logs(follow=False, tail=3)
    said = capsys.readouterr().out
    assert all(name in said for name in names)
