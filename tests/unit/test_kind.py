"""The kind cluster's configuration and its life as far as no engine is needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from docker.errors import APIError

from orchlab import labels, paths
from orchlab.errors import CommandFailed
from orchlab.images.store import Image
from orchlab.platforms import k8s_nodes, kind

CONFIG = yaml.safe_load((paths.K8S / "kind.yaml").read_text())


def test_three_nodes_one_of_them_the_control_plane() -> None:
    """The cluster has one control plane and two workers."""
    roles = [node["role"] for node in CONFIG["nodes"]]
    assert roles == ["control-plane", "worker", "worker"]
    assert kind.node_count() == len(roles)


@pytest.mark.parametrize("node", CONFIG["nodes"])
def test_every_node_is_an_entry_on_a_free_local_port(node: dict[str, object]) -> None:
    """Each node publishes the NodePort on 127.0.0.1, on a port that nobody chose."""
    assert node["extraPortMappings"] == [
        {"containerPort": 30080, "listenAddress": "127.0.0.1", "hostPort": 0}
    ]


def test_kubeadm_patches_are_yaml_for_known_components() -> None:
    """Each patch is a document of a component that kubeadm configures."""
    kinds = [yaml.safe_load(patch)["kind"] for patch in CONFIG["kubeadmConfigPatches"]]
    assert kinds == ["KubeletConfiguration", "KubeProxyConfiguration"]


def test_the_registry_of_another_lab_replaces_the_name_in_the_file() -> None:
    """hosts.toml is the file in k8s/ with the registry's name exchanged."""
    content = k8s_nodes.hosts_toml("other-registry:5000")
    assert 'server = "http://other-registry:5000"' in content
    assert k8s_nodes.HOSTS_REGISTRY not in content


def test_kind_gets_the_labs_network_and_a_directory_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Directory and environment are the lab's while kind runs, and as before afterwards."""
    monkeypatch.setenv(kind.NETWORK_VARIABLE, "mine")
    before = Path.cwd()
    with kind._kind_surroundings(tmp_path):  # noqa: SLF001 - it has no public effect to look at
        assert Path.cwd() == tmp_path.resolve()
        assert os.environ[kind.NETWORK_VARIABLE] == f"{labels.LAB}-kind"
    assert Path.cwd() == before
    assert os.environ[kind.NETWORK_VARIABLE] == "mine"


class Node:
    """A node container that can be started, unless its port is taken."""

    def __init__(self, status: str = "running", *, port_taken: bool = False) -> None:
        self.name = "lab-worker"
        self.status = status
        self.port_taken = port_taken

    def start(self) -> None:
        """Start, or be refused as the engine would."""
        if self.port_taken:
            raise APIError("port is already allocated")
        self.status = "running"


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ``ensure`` did, in order; every step that needs an engine only notes its name."""
    done: list[str] = []

    def note(name: str) -> object:
        return lambda *_: done.append(name)

    monkeypatch.setattr(kind.Cluster, "_make", note("make"))
    monkeypatch.setattr(kind.Cluster, "_export_kubeconfig", note("kubeconfig"))
    monkeypatch.setattr(kind, "_await_nodes", note("await nodes"))
    monkeypatch.setattr(kind, "_await_ready", note("await ready"))
    monkeypatch.setattr(k8s_nodes, "trust", note("trust"))
    monkeypatch.setattr(k8s_nodes, "remove", note("remove"))
    return done


def ensure(monkeypatch: pytest.MonkeyPatch, *answers: list[Node]) -> None:
    """Ensure a cluster while the engine lists these nodes, one answer after another."""
    left = list(answers)
    monkeypatch.setattr(k8s_nodes, "nodes", lambda: left.pop(0) if len(left) > 1 else left[0])
    image = Image("orchlab/kind-node:1", "sha256:1")
    kind.Cluster(Path("kind"), Path("kubectl")).ensure(image, "lab-registry:5000")


def test_a_cluster_is_made_where_there_is_none(
    lab: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without nodes the cluster is made and awaited."""
    ensure(monkeypatch, [])
    assert lab == ["make", "trust", "await ready"]


def test_a_healthy_cluster_is_kept(lab: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """All nodes there and answering: nothing is removed or made."""
    ensure(monkeypatch, [Node(), Node(), Node()])
    assert lab == ["kubeconfig", "await nodes", "trust", "await ready"]


def test_stopped_nodes_are_started(lab: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What an engine's restart stopped goes on instead of being made anew."""
    nodes = [Node(), Node("exited"), Node("exited")]
    ensure(monkeypatch, nodes)
    assert [node.status for node in nodes] == ["running"] * 3
    assert "make" not in lab


def test_a_half_made_cluster_is_made_anew(lab: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer nodes than the configuration asks for are the rest of a killed run."""
    half = [Node(), Node()]
    ensure(monkeypatch, half, half, [])
    assert lab == ["remove", "make", "trust", "await ready"]


def test_a_node_that_cannot_start_is_made_anew(
    lab: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that was taken meanwhile costs the cluster, not the user's patience."""
    broken = [Node(), Node(), Node("exited", port_taken=True)]
    ensure(monkeypatch, broken, broken, [])
    assert lab == ["remove", "make", "trust", "await ready"]


def test_a_cluster_without_credentials_is_made_anew(
    lab: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control plane that was killed before it was set up has no kubeconfig to give."""

    def refuse(_: kind.Cluster) -> None:
        raise CommandFailed(["kind", "export", "kubeconfig"], 1, "no such file")

    monkeypatch.setattr(kind.Cluster, "_export_kubeconfig", refuse)
    whole = [Node(), Node(), Node()]
    ensure(monkeypatch, whole, whole, [])
    assert lab == ["remove", "make", "trust", "await ready"]
