"""What is in force of a cluster, told or not."""

from __future__ import annotations

import json
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from kubernetes.client.exceptions import ApiException

from orchlab.platforms.k8s import cluster_facts
from orchlab.platforms.k8s import rights as k8s_rights
from orchlab.platforms.k8s import status as k8s_status

CANNOT = 'cannot list resource "nodes" in API group "" at the cluster scope'


def refused(status: int = 403, message: str = f'nodes is forbidden: User "me" {CANNOT}') -> Mock:
    """A question that the API answers like this."""
    error = ApiException(status=status, reason="Forbidden")
    error.body = json.dumps({"kind": "Status", "message": message})
    return Mock(side_effect=error)


@pytest.fixture
def api() -> Mock:
    """An API for somebody with all rights."""
    api = Mock()
    info = SimpleNamespace(container_runtime_version="containerd://2.4", kernel_version="6.1")
    api.nodes.return_value = [SimpleNamespace(status=SimpleNamespace(node_info=info))] * 3
    container = SimpleNamespace(image="docker.io/flannel:v0.28.4")
    api.pods.return_value = [SimpleNamespace(spec=SimpleNamespace(containers=[container]))]
    api.config_map.return_value = {"config.conf": "{mode: nftables, iptables: {}}"}
    api.kubelet.return_value = {"nodeLeaseDurationSeconds": 20}
    return api


def test_with_rights_everything_is_told(api: Mock) -> None:
    """Versions and timers of nodes, network, kube-proxy and kubelet."""
    found = cluster_facts.gather(api, "node1")
    assert found["nodes"] == "3"
    assert found["containerd"] == "2.4"
    assert found["kube-proxy"] == "nftables"
    assert found["node lease"] == "20 s"
    api.kubelet.assert_called_once_with("node1")
    assert cluster_facts.data_path("by a port", found) == (
        "by a port, NodePort on any node, kube-proxy (nftables), pod network (flannel), nodes: 3"
    )


def test_without_rights_each_fact_is_unknown_with_the_reason(api: Mock) -> None:
    """What may be asked is told all the same."""
    api.nodes, api.kubelet = refused(), refused()
    found = cluster_facts.gather(api, "node1")
    for name in ("nodes", "containerd", "kernel", "node lease"):
        assert found[name] == f"unknown: {CANNOT}"
    assert found["kube-proxy"] == "nftables"
    assert cluster_facts.data_path("by a port", found).endswith("nodes: unknown")


def test_a_cluster_of_another_make_is_no_failure(api: Mock) -> None:
    """It may keep kube-proxy's configuration elsewhere, or have none."""
    missing = 'configmaps "kube-proxy" not found'
    api.config_map = refused(404, missing)
    assert cluster_facts.gather(api, "node1")["kube-proxy"] == f"unknown: {missing}"
    api.config_map = Mock(return_value={})
    assert "no config.conf" in cluster_facts.gather(api, "node1")["kube-proxy"]


def test_an_api_that_breaks_is_a_failure(api: Mock) -> None:
    """Only a missing right makes a fact unknown."""
    api.nodes = refused(500, "etcdserver: request timed out")
    with pytest.raises(ApiException):
        cluster_facts.gather(api, "node1")


def test_a_refusal_without_a_word_is_told_as_it_is() -> None:
    """What stands between may answer in its own way."""
    error = ApiException(status=403, reason="Forbidden")
    error.body = "<html>"
    assert k8s_rights.refusal(error) == "Forbidden"


def test_the_status_shows_why_it_has_no_nodes(api: Mock) -> None:
    """The other tables are there."""
    api.nodes = refused()
    for question in ("pods", "replica_sets", "slices", "events"):
        getattr(api, question).return_value = []
    tables = k8s_status.tables(api, "shop")
    assert (tables[0].title, tables[0].rows) == ("nodes", ((CANNOT,),))
    assert len(tables) == 5
    api.pods.assert_called_once_with("shop")


def test_the_kubelets_empty_timers_are_kubernetes_defaults() -> None:
    """What a kubelet reports is shown; what it leaves empty is named as the default."""
    reported = {"nodeLeaseDurationSeconds": 20, "nodeStatusUpdateFrequency": "10s"}
    found = cluster_facts.kubelet_knobs(reported)
    assert found["node lease"] == "20 s"
    assert found["node status every"] == "10 s (default)"
    assert found["restart back-off, longest"] == "300 s (default)"


def test_the_network_plugin_is_known_by_its_image() -> None:
    """The first image of a known plugin gives name and version."""
    images = ["registry.example/coredns:v1.14.2", "docker.io/flannel:v0.28.4"]
    assert cluster_facts.cni(images) == "flannel v0.28.4"
    assert cluster_facts.cni([]).startswith("unknown")


@pytest.mark.parametrize(
    ("duration", "shown"),
    [("5m0s", "300 s"), ("1h0m0s", "3600 s"), ("10s", "10 s"), (40, "40 s"), ("500ms", "0.5 s")],
)
def test_durations_are_shown_in_seconds(duration: str | int, shown: str) -> None:
    """Go's notation and plain numbers come out alike."""
    assert cluster_facts.seconds(duration) == shown
