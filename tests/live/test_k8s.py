from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import docker
import kubernetes_validate
import pytest
import requests
import yaml

from orchlab import credentials, labels
from orchlab.errors import CommandFailed, OrchlabError, UnknownName
from orchlab.images.store import Image, ImageStore
from orchlab.metrics import tally
from orchlab.platforms import k8s_release
from orchlab.platforms.base import Platform, Release, Replica
from orchlab.platforms.k8s import Kubernetes
from orchlab.platforms.k8s_api import NAMESPACE
from orchlab.platforms.k8s_release import APP, REDIS, VARIANTS
from orchlab.prober import Prober, read_samples
from orchlab.wait import wait_until

pytestmark = pytest.mark.only("k8s")

HEALED_S = 60.0
SERVES_404 = 'CMD ["python3", "-m", "http.server", "8000"]'


@pytest.fixture
def cluster(platform: Platform) -> Kubernetes:
    """The adapter with all that it can do beyond a platform."""
    return cast("Kubernetes", platform)


@pytest.fixture
def no_loss(cluster: Kubernetes, tmp_path: Path) -> Callable[[], object]:
    """A block under load, in which no request through any node may fail."""

    @contextmanager
    def block() -> Iterator[None]:
        rows = tmp_path / "samples.jsonl"
        rows.unlink(missing_ok=True)
        with Prober(cluster.endpoints(), rows):
            yield
        samples = [each for each in read_samples(rows) if each.series != "control"]
        assert samples
        assert [each for each in samples if each.outcome != "ok"] == [], tally(samples)

    return block


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
    cluster: Kubernetes, version_2: Image, no_loss: Callable[[], Iterator[None]]
) -> None:
    """Under load every request is answered while all replicas move to a version and back."""
    with no_loss():
        assert cluster.update(version_2).outcome == "updated"
        assert versions(cluster) == {"2"}
        assert cluster.rollback().outcome == "updated"
    assert versions(cluster) == {"1"}


def test_an_image_that_fails_its_probes_is_undone(
    cluster: Kubernetes, broken: Image, release: Release, no_loss: Callable[[], Iterator[None]]
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
    cluster: Kubernetes, version_2: Image, no_loss: Callable[[], Iterator[None]]
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


def test_scaling_loses_nothing(
    cluster: Kubernetes, release: Release, no_loss: Callable[[], Iterator[None]]
) -> None:
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


def test_a_drain_loses_nothing(
    cluster: Kubernetes, release: Release, no_loss: Callable[[], Iterator[None]]
) -> None:
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


def test_a_changed_key_rolls_the_pods(cluster: Kubernetes, release: Release) -> None:
    """The Secret's name carries a hash of its content: a new value means new pods with it."""
    path = credentials.api_key_file()
    kept = path.read_text()
    before = {each.name for each in cluster.replicas()}
    try:
        path.chmod(0o600)
        path.write_text("another key")
        cluster.deploy(release)
        replicas = cluster.replicas()
        assert before.isdisjoint(each.name for each in replicas)
        assert cluster.exec(replicas[0], "cat", "/run/secrets/api_key") == "another key"
    finally:
        path.write_text(kept)
        path.chmod(0o444)
        cluster.deploy(release)
    assert cluster.exec(cluster.replicas()[0], "cat", "/run/secrets/api_key") == kept


def test_every_pod_passes_the_strictest_standard(cluster: Kubernetes) -> None:
    """The API server finds nothing in the running pods, and refuses one that asks for more."""
    standard = "pod-security.kubernetes.io/enforce"
    namespace = cluster.control.api.core.read_namespace(NAMESPACE)
    assert namespace.metadata.labels[standard] == "restricted"
    said: list[str] = []
    for value in ("privileged", "restricted"):  # a change is what makes it look at the pods
        words = ("label", "namespace", NAMESPACE, f"{standard}={value}", "--overwrite")
        cluster.control.run(*words, on_line=said.append)
    assert not [line for line in said if "warning" in line.lower()]
    image = cluster.rollouts.history()[-1].image
    with pytest.raises(CommandFailed, match="violates PodSecurity"):
        cluster.control.run("run", "-n", NAMESPACE, "intruder", f"--image={image}", "--privileged")


def test_a_pod_cannot_write_to_its_root_and_has_no_token(cluster: Kubernetes) -> None:
    """Only its own volumes take files; there is nothing with which to ask the API."""
    replica = cluster.replicas()[0]
    for path in ("/tmp/file", "/data/file"):  # noqa: S108 - inside the container
        cluster.exec(replica, "touch", path)
    with pytest.raises(CommandFailed, match="Read-only file system"):
        cluster.exec(replica, "touch", "/srv/file")
    with pytest.raises(CommandFailed, match="No such file"):
        cluster.exec(replica, "ls", "/run/secrets/kubernetes.io")


def test_a_hung_process_is_replaced(cluster: Kubernetes) -> None:
    """Stopped, it leaves the Service, and the liveness probe has it started anew."""
    victim = cluster.replicas()[0]
    cluster.hang(victim)

    def healed() -> Replica | None:
        found = {each.name: each for each in cluster.replicas()}[victim.name]
        return found if found.ready and found.id != victim.id else None

    wait_until("the replica is replaced", healed, timeout=HEALED_S)
    cluster.resume(victim)


def test_the_facts_are_those_of_the_hardened_variant(cluster: Kubernetes) -> None:
    """Chosen timers are not marked as defaults, and policies are said to hold only if they do."""
    knobs = cluster.facts().knobs
    assert knobs["redis appendfsync"] == "always"
    assert knobs["max unavailable"] == "0"
    assert knobs["toleration of unreachable"] == "10 s"
    enforcing = "flannel" not in cluster.facts().versions["network plugin"]
    expected = "and enforced" if enforcing else "applied but not enforced"
    assert expected in knobs["network policies"]


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


def test_a_variant_leaves_nothing_to_the_next_and_data_stay(
    cluster: Kubernetes, release: Release
) -> None:
    """From hardened to defaults and back: no policy, budget or account outlives its variant."""
    url = cluster.endpoints()[0].url
    written = requests.post(f"{url}/count", timeout=5).json()["count"]
    kinds = "networkpolicies,poddisruptionbudgets,priorityclasses"
    selector = f"-l{labels.KEY}={labels.LAB}"
    try:
        cluster.deploy(replace(release, variant="defaults"))
        left = cluster.control.run("get", kinds, "-n", NAMESPACE, selector, "-o", "json")
        assert json.loads(left)["items"] == []
        assert cluster.facts().knobs["network policies"] == "none (default)"
        assert requests.get(f"{url}/count", timeout=5).json()["count"] == written
    finally:
        cluster.deploy(release)
    assert requests.get(f"{url}/count", timeout=5).json()["count"] == written


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_manifest_fits_the_schema(
    cluster: Kubernetes, release: Release, tmp_path: Path, variant: str
) -> None:
    """What kustomize makes of a release has no field that its Kubernetes does not know."""
    references = {APP: "registry/orchlab/app:1", REDIS: "registry/orchlab/redis:1"}
    k8s_release.write(tmp_path / "release", references, release.replicas, variant)
    rendered = cluster.control.run("kustomize", tmp_path / "release")
    minor = cluster.facts().versions["kubernetes"].removeprefix("v").rpartition(".")[0]
    kinds = set()
    for document in yaml.safe_load_all(rendered):
        kubernetes_validate.validate(document, minor, strict=True)
        kinds.add(document["kind"])
    assert {"Deployment", "StatefulSet", "Service"} <= kinds
    assert ("Secret" in kinds) == (variant == "hardened")
