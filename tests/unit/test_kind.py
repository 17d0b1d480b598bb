"""The kind cluster's life as far as no engine is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker.errors import APIError

from orchlab import labels, shell
from orchlab.errors import CommandFailed, UsageError, WaitTimeout
from orchlab.images.store import Image, ImageStore
from orchlab.platforms import partition
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import balancer, creation, kind, kind_config
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
    monkeypatch.setenv(creation.NETWORK_VARIABLE, "mine")
    before = Path.cwd()
    with creation.surroundings(tmp_path):
        assert Path.cwd() == tmp_path.resolve()
        assert os.environ[creation.NETWORK_VARIABLE] == f"{labels.LAB}-kind"
    assert Path.cwd() == before
    assert os.environ[creation.NETWORK_VARIABLE] == "mine"


class Node:
    """A node container that can be started, unless its port is taken."""

    def __init__(
        self, status: str = "running", role: str = "worker", *, port_taken: bool = False
    ) -> None:
        self.name = "lab-worker"
        self.labels = {k8s_nodes.ROLE: role}
        self.attrs = {"Config": {"Image": "orchlab/kind-node:0"}}
        self.status = status
        self.ports: dict[str, list[dict[str, str]]] = {}
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
    monkeypatch.setattr(kind, "await_nodes", note("await nodes"))
    monkeypatch.setattr(partition, "mend", lambda _: None)
    monkeypatch.setattr(kind, "_lost", lambda _found: [])
    monkeypatch.setattr(kind, "_await_system", note("await system"))
    monkeypatch.setattr(k8s_nodes, "trust", note("trust"))
    monkeypatch.setattr(k8s_nodes, "remove", note("remove"))
    return done


def ensure(
    monkeypatch: pytest.MonkeyPatch,
    *answers: list[Node],
    size: Size | None = None,
    besides: Sequence[Node] = (),
) -> None:
    """Ensure a cluster while the engine lists these nodes, one answer after another."""
    left = list(answers)
    monkeypatch.setattr(k8s_nodes, "nodes", lambda: left.pop(0) if len(left) > 1 else left[0])
    monkeypatch.setattr(k8s_nodes, "containers", lambda: [*answers[0], *besides])
    monkeypatch.setattr(k8s_nodes, "running", list)
    made = kind.Cluster(Path("kind"), Path("kubectl"), ImageStore())
    made.ensure(Image("orchlab/kind-node:1", "sha256:1"), "lab-registry:5000", size)


def test_a_cluster_is_made_where_there_is_none(
    lab: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without nodes the cluster is made and awaited."""
    ensure(monkeypatch, [])
    assert lab == ["make", "trust", "await system"]


def test_a_healthy_cluster_is_kept(lab: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """All nodes there and answering: nothing is removed or made."""
    ensure(monkeypatch, [Node(), Node(), Node()])
    assert lab == ["kubeconfig", "await nodes", "trust", "await system"]


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
    ensure(monkeypatch, rest, [])
    assert lab == ["kubeconfig", "await nodes", "remove", "make", "trust", "await system"]


def test_a_half_made_cluster_is_made_anew(lab: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes that never become ready are the rest of a killed run, whatever size is asked for."""

    def never(_timeout: float) -> None:
        raise WaitTimeout("nodes ready", 3)

    monkeypatch.setattr(kind, "await_nodes", never)
    half = [Node(role="control-plane")]
    ensure(monkeypatch, half, [], size=Size(1, 3))
    assert lab == ["kubeconfig", "remove", "make", "trust", "await system"]


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


def test_a_cluster_with_another_network_is_not_touched(
    lab: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which one it has, its nodes' image says; whatever version of it is fine."""
    nodes = [Node(role="control-plane"), Node()]
    for each in nodes:
        each.attrs["Config"]["Image"] = "orchlab/kind-node-policy:0"
    with pytest.raises(UsageError, match="of --cni policy already, not default"):
        ensure(monkeypatch, nodes, size=Size(1, 1))
    assert not {"remove", "make"} & set(lab)


@pytest.mark.parametrize(
    ("references", "network"),
    [
        ([], "default"),
        (["orchlab/kind-node:0"], "default"),
        (["orchlab/kind-node-policy:0", "orchlab/kind-node-policy:0"], "policy"),
        (["orchlab/kind-node-policy:v1@sha256:0"], "policy"),
        (["kindest/node:v1"], "default"),
    ],
)
def test_nodes_tell_what_network_they_have(references: list[str], network: str) -> None:
    """So a cluster that is made anew gets its own again; without any nodes it is the default."""
    nodes = [Node() for _ in references]
    for each, reference in zip(nodes, references, strict=True):
        each.attrs["Config"]["Image"] = reference
    assert kind_config.network_of(nodes) == network


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done around kind, in order, and kind itself; nodes are made of nothing."""
    done: list[str] = []

    @contextmanager
    def lent(_: ImageStore) -> Iterator[None]:
        done.append("lend")
        yield
        done.append("take back")

    class Library:
        def __init__(self, *_: object, **__: object) -> None:
            """As pytest-kind's."""

        def create(self, _config: Path) -> None:
            """Make nothing."""
            done.append("create")

    monkeypatch.setattr(k8s_api, "kubeconfig", lambda: tmp_path / "kubeconfig")
    monkeypatch.setattr(k8s_nodes, "trust", lambda _: None)
    monkeypatch.setattr(balancer, "lent", lent)
    monkeypatch.setattr(creation, "KindCluster", Library)
    monkeypatch.setattr(
        shell, "run", lambda argv, **_: done.append(argv[-1 if argv[0] == "kind" else 4])
    )
    monkeypatch.setattr(kind, "await_nodes", lambda _: done.append("await"))
    monkeypatch.setattr(kind, "_await_system", lambda: None)
    monkeypatch.setattr(k8s_nodes, "containers", list)
    monkeypatch.setattr(k8s_nodes, "nodes", list)
    return done


@pytest.mark.parametrize(
    ("size", "keep", "expected"),
    [
        (Size(1, 2), False, ["create", "await"]),
        (Size(3, 2), False, ["lend", "create", "take back", "await", "restart", "status"]),
        (Size(1, 2), True, ["--retain", "await"]),
    ],
)
def test_kind_makes_the_cluster(
    steps: list[str],
    size: Size,
    keep: bool,  # noqa: FBT001 - a parameter
    expected: list[str],
) -> None:
    """Several control planes: with a balancer before them, and DNS moved off the first one."""
    made = kind.Cluster(Path("kind"), Path("kubectl"), ImageStore(), keep=keep)
    made.ensure(Image("orchlab/kind-node:1", "sha256:1"), "registry", size)
    assert steps == expected


def test_the_balancer_of_kind_is_no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control plane comes first; what only passes its traffic on is left out."""
    roles = ("worker", k8s_nodes.BALANCER, "control-plane")
    found = [Node(role=role) for role in roles]
    monkeypatch.setattr(k8s_nodes, "containers", lambda: found)
    assert k8s_nodes.nodes() == [found[2], found[0]]
    assert kind_config.size_of(k8s_nodes.nodes()) == Size(1, 1)


def test_a_balancer_that_is_left_alone_is_no_cluster(
    lab: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would keep kind from making one."""
    alone = [Node(role=k8s_nodes.BALANCER)]
    ensure(monkeypatch, [], besides=alone)
    assert lab == ["remove", "make", "trust", "await system"]


def test_a_node_that_cannot_start_is_made_anew(
    lab: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that was taken meanwhile costs the cluster, not the user's patience."""
    broken = [Node(), Node(), Node("exited", port_taken=True)]
    ensure(monkeypatch, broken, [])
    assert lab == ["remove", "make", "trust", "await system"]


def test_a_cluster_without_credentials_is_made_anew(
    lab: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control plane that was killed before it was set up has no kubeconfig to give."""

    def refuse(_: kind.Cluster) -> None:
        raise CommandFailed(["kind", "export", "kubeconfig"], 1, "no such file")

    monkeypatch.setattr(kind.Cluster, "_export_kubeconfig", refuse)
    whole = [Node(), Node(), Node()]
    ensure(monkeypatch, whole, [])
    assert lab == ["remove", "make", "trust", "await system"]


@pytest.mark.parametrize(("port", "asked"), [(34511, []), (40000, ["export"]), (0, ["export"])])
def test_kind_is_asked_for_the_kubeconfig_only_when_the_port_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, port: int, asked: list[str]
) -> None:
    """A restarted control plane has another port, and one that is off has none."""
    said: list[str] = []
    path = tmp_path / "kubeconfig"
    path.write_text("    server: https://127.0.0.1:34511\n  name: kind-lab\n")
    monkeypatch.setattr(k8s_api, "kubeconfig", lambda: path)
    monkeypatch.setattr(k8s_nodes, "api_port", lambda: port)
    monkeypatch.setattr(shell, "run", lambda command: said.append(command[1]))
    kind.Cluster(Path("kind"), Path("kubectl"), ImageStore())._export_kubeconfig()  # noqa: SLF001 - else an engine is needed
    assert said == asked


def test_the_api_is_reached_through_the_balancer_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With one control plane it is that node's own port."""

    def published(role: str, port: str) -> Node:
        node = Node(role=role)
        node.ports = {k8s_nodes.API_PORT: [{"HostIp": "127.0.0.1", "HostPort": port}]}
        return node

    found = [published(k8s_nodes.CONTROL_PLANE, "1"), Node()]
    monkeypatch.setattr(k8s_nodes, "containers", lambda: found)
    assert k8s_nodes.api_port() == 1
    found.append(published(k8s_nodes.BALANCER, "2"))
    assert k8s_nodes.api_port() == 2
    found.clear()
    assert k8s_nodes.api_port() == 0
