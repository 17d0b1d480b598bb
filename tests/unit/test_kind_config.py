"""How large the kind cluster is, and what kind reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from orchlab import paths
from orchlab.errors import UsageError
from orchlab.platforms.k8s import kind_config
from orchlab.platforms.k8s.kind_config import Size

CONFIG = yaml.safe_load((paths.K8S / "kind.yaml").read_text())


def test_three_nodes_one_of_them_the_control_plane() -> None:
    """The file in k8s/ is what a cluster has unless another size is asked for."""
    roles = [node["role"] for node in CONFIG["nodes"]]
    assert roles == ["control-plane", "worker", "worker"]
    assert kind_config.configuration(Size()) == CONFIG
    assert kind_config.file(Size(), Path("nowhere")) == kind_config.CONFIG


def test_another_size_repeats_the_nodes_of_the_file(tmp_path: Path) -> None:
    """Ports and patches are those of the file, as often as nodes are asked for."""
    written = yaml.safe_load(kind_config.file(Size(1, 4), tmp_path).read_text())
    assert [node["role"] for node in written["nodes"]] == ["control-plane"] + ["worker"] * 4
    assert written["nodes"][4] == CONFIG["nodes"][1]
    assert written["kubeadmConfigPatches"] == CONFIG["kubeadmConfigPatches"]


def test_the_size_that_was_asked_for_is_known_afterwards(tmp_path: Path) -> None:
    """A cluster that breaks is made anew in its size, one that is new in the usual one."""
    assert kind_config.asked(tmp_path) == Size()
    for size in (Size(3, 1), Size()):
        kind_config.file(size, tmp_path)
        assert kind_config.asked(tmp_path) == size


@pytest.mark.parametrize("size", [(0, 2), (1, -1), (2, 1), (3, 0)])
def test_a_size_that_is_no_cluster_is_wrong_usage(size: tuple[int, int]) -> None:
    """Nothing is started for it."""
    with pytest.raises(UsageError):
        Size(*size)


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
