"""The kind cluster's life as far as no engine is needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from docker.errors import APIError

from orchlab import labels
from orchlab.engine import host
from orchlab.errors import CommandFailed, HostUnfit, UsageError, WaitTimeout
from orchlab.images.store import Image
from orchlab.platforms.k8s import kind, kind_config
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.kind_config import Size


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

    def __init__(
        self, status: str = "running", role: str = "worker", *, port_taken: bool = False
    ) -> None:
        self.name = "lab-worker"
        self.labels = {k8s_nodes.ROLE: role}
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
    monkeypatch.setattr(kind, "_lost", lambda _found: [])
    monkeypatch.setattr(kind, "_await_ready", note("await ready"))
    monkeypatch.setattr(k8s_nodes, "trust", note("trust"))
    monkeypatch.setattr(k8s_nodes, "remove", note("remove"))
    return done


def ensure(monkeypatch: pytest.MonkeyPatch, *answers: list[Node], size: Size | None = None) -> None:
    """Ensure a cluster while the engine lists these nodes, one answer after another."""
    left = list(answers)
    monkeypatch.setattr(k8s_nodes, "nodes", lambda: left.pop(0) if len(left) > 1 else left[0])
    image = Image("orchlab/kind-node:1", "sha256:1")
    kind.Cluster(Path("kind"), Path("kubectl")).ensure(image, "lab-registry:5000", size)


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


def test_a_cluster_that_lost_a_container_is_made_anew(
    lab: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the cluster counts on and the engine does not have will not come back."""
    monkeypatch.setattr(kind, "_lost", lambda _found: ["lab-worker2"])
    rest = [Node(), Node()]
    ensure(monkeypatch, rest, rest, [])
    assert lab == ["kubeconfig", "await nodes", "remove", "make", "trust", "await ready"]


def test_a_half_made_cluster_is_made_anew(lab: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes that never become ready are the rest of a killed run, whatever size is asked for."""

    def never(_timeout: float) -> None:
        raise WaitTimeout("nodes ready", 3)

    monkeypatch.setattr(kind, "_await_nodes", never)
    half = [Node(role="control-plane")]
    ensure(monkeypatch, half, half, [], size=Size(1, 3))
    assert lab == ["kubeconfig", "remove", "make", "trust", "await ready"]


def test_a_cluster_of_another_size_is_not_touched(
    lab: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds data; only the user may remove it. The size that is there is fine."""
    nodes = [Node(role="control-plane"), Node(), Node()]
    with pytest.raises(UsageError, match="1 control planes and 2 workers already"):
        ensure(monkeypatch, nodes, size=Size(1, 3))
    assert not {"remove", "make"} & set(lab)
    ensure(monkeypatch, nodes, size=Size(1, 2))
    assert not {"remove", "make"} & set(lab)


def test_several_control_planes_need_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kind's balancer exists only as an image; said before anything is made."""
    monkeypatch.setattr(host, "registry_answers", lambda: False)
    monkeypatch.setattr(k8s_nodes, "nodes", list)
    image = Image("orchlab/kind-node:1", "sha256:1")
    with pytest.raises(HostUnfit, match="several control planes"):
        kind.Cluster(Path("kind"), Path("kubectl")).ensure(image, "registry", Size(3, 2))


def test_the_balancer_of_kind_is_no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control plane comes first; what only passes its traffic on is left out."""
    roles = ("worker", k8s_nodes.BALANCER, "control-plane")
    found = [Node(role=role) for role in roles]
    monkeypatch.setattr(k8s_nodes, "_containers", lambda: found)
    assert k8s_nodes.nodes() == [found[2], found[0]]
    assert kind_config.size_of(k8s_nodes.nodes()) == Size(1, 1)


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
