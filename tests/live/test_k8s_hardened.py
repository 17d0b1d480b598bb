from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import kubernetes_validate
import pytest
import requests
import yaml

from orchlab import credentials, labels
from orchlab.errors import CommandFailed
from orchlab.platforms.base import Platform, Release
from orchlab.platforms.k8s import release as k8s_release
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.release import APP, REDIS, VARIANTS

pytestmark = pytest.mark.only("k8s")


@pytest.fixture
def cluster(platform: Platform) -> Kubernetes:
    """The adapter with all that it can do beyond a platform."""
    return cast("Kubernetes", platform)


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
    namespace = cluster.control.api.read(f"/api/v1/namespaces/{NAMESPACE}", "V1Namespace")
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


def test_the_facts_are_those_of_the_hardened_variant(cluster: Kubernetes) -> None:
    """Chosen timers are not marked as defaults, and policies are said to hold only if they do."""
    knobs = cluster.facts().knobs
    assert knobs["redis appendfsync"] == "always"
    assert knobs["max unavailable"] == "0"
    assert knobs["toleration of unreachable"] == "10 s"
    enforcing = "flannel" not in cluster.facts().versions["network plugin"]
    expected = "and enforced" if enforcing else "applied but not enforced"
    assert expected in knobs["network policies"]


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
