"""NetworkPolicies on a cluster of their own, whose network enforces them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from orchlab import labels, sweep
from orchlab.e2e import suite
from orchlab.experiments import inside
from orchlab.experiments.reach import Isolation
from orchlab.images.store import ImageStore
from orchlab.measuring import measure_once
from orchlab.platforms.base import Release
from orchlab.platforms.capabilities import Stranger
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.strangers import ELSEWHERE
from orchlab.results import RunDir
from orchlab.wait import wait_until
from tests.live import commands

pytestmark = pytest.mark.policy

PATIENCE_S = 30.0
ADMISSION = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "admission", "namespace": NAMESPACE},
    "spec": {
        "podSelector": {"matchLabels": {"app": "redis"}},
        "ingress": [
            {
                "from": [
                    {
                        "namespaceSelector": {
                            "matchLabels": {"kubernetes.io/metadata.name": ELSEWHERE}
                        }
                    }
                ],
                "ports": [{"port": "redis"}],
            }
        ],
    },
}
"""What the hardened variant does not say: strangers may talk to Redis."""


@pytest.fixture(scope="module")
def release(images: ImageStore) -> Release:
    """Two replicas of the hardened variant, which has the policies."""
    return Release(images.app(), replicas=2, variant="hardened")


@pytest.fixture(scope="module")
def cluster(images: ImageStore, release: Release) -> Iterator[Kubernetes]:
    """Three nodes beside the other tests' cluster, with the app."""
    sweep.sweep(commands.LAB)
    commands.invoke("k8s-up", "--cni", "policy", "--images", images.policy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, "LAB", commands.LAB)
        made = Kubernetes(images)
        try:
            made.publish(release.image)
            made.deploy(release)
            yield made
        finally:
            made.delete()
            sweep.leftover(commands.LAB)


@contextmanager
def admission(cluster: Kubernetes, directory: Path) -> Iterator[None]:
    """Strangers may talk to Redis while the block runs."""
    path = directory / "admission.yaml"
    path.write_text(yaml.safe_dump(ADMISSION))
    cluster.control.run("apply", "-f", path)
    try:
        yield
    finally:
        cluster.control.run("delete", "-f", path)


def answers(stranger: Stranger) -> str:
    """What Redis says to a stranger who calls it by its name, or the error's name."""
    return inside.ping(stranger.run, *stranger.store)


def test_policies_are_enforced(cluster: Kubernetes, release: Release, tmp_path: Path) -> None:
    """The experiment passes: the app reaches Redis, a stranger only the app."""
    finding = measure_once(Isolation(), cluster, release, RunDir(tmp_path))
    assert finding.verdict == "pass", finding
    assert "and enforced" in str(finding.values["policies"]), finding


@pytest.mark.parametrize("same_node", [True, False], ids=["same node", "across nodes"])
def test_a_stranger_is_denied_until_a_policy_admits_it(
    cluster: Kubernetes, release: Release, tmp_path: Path, *, same_node: bool
) -> None:
    """Beside Redis and on another node; and denied again without that policy."""
    (store,) = cluster.control.api.pods(NAMESPACE, "app=redis")
    nodes = [name for name in k8s_nodes.running() if (name == store.spec.node_name) == same_node]
    with cluster.stranger(release.image, nodes[-1]) as stranger:
        assert " 200 " in inside.get(stranger.run, *stranger.app)
        assert answers(stranger) == "TimeoutError"
        with admission(cluster, tmp_path):
            wait_until(
                "an admitted stranger reaches Redis",
                lambda: answers(stranger) == inside.PONG,
                timeout=PATIENCE_S,
                pause=0.5,
            )
        wait_until(
            "a stranger that is no longer admitted is denied",
            lambda: answers(stranger) == "TimeoutError",
            timeout=PATIENCE_S,
            pause=0.5,
        )


@pytest.mark.e2e
def test_kubernetes_own_tests_of_policies_pass(cluster: Kubernetes, images: ImageStore) -> None:
    """A part of them: denied and admitted by port, pod and namespace, changed and deleted."""
    found = suite.run(cluster, images, "policies")
    assert found
    assert [each for each in found if not each.passed] == []
