"""How large the cluster is, and the file that says so to kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from docker.models.containers import Container

from orchlab import paths
from orchlab.errors import UsageError
from orchlab.images.store import Image
from orchlab.platforms.k8s import nodes as k8s_nodes

CONFIG = paths.K8S / "kind.yaml"

CONTROL_PLANES = (1, 3)
"""One, or as many as survive the loss of one; more would only add votes to wait for."""

NODE_IMAGES = {"default": "kind-node", "policy": "kind-node-policy"}
"""What the pods' network is asked to do -> the node image that brings it, by its catalogue name."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many nodes of each kind; what ``k8s/kind.yaml`` asks for unless told otherwise."""

    control_planes: int = 1
    workers: int = 2

    def __post_init__(self) -> None:
        if self.control_planes not in CONTROL_PLANES:
            hint = "1 decides alone, 3 go on when one of them is lost"
            raise UsageError(f"a cluster of {self} is not offered", hint)
        if self.workers < (self.control_planes > 1):
            hint = "only a control plane that is alone runs pods"
            raise UsageError(f"a cluster cannot have {self}", hint)

    def __str__(self) -> str:
        return f"{self.control_planes} control planes and {self.workers} workers"


def size_of(nodes: Iterable[Container]) -> Size | None:
    """The size of the cluster that these nodes are; None if there is no control plane."""
    roles = [node.labels.get(k8s_nodes.ROLE) for node in nodes]
    return _size(roles) if k8s_nodes.CONTROL_PLANE in roles else None


def require(nodes: Iterable[Container], size: Size, node_image: Image) -> None:
    """Refuse a cluster of another size, or of nodes with another network.

    Raises ``UsageError``: kind can change neither.
    """
    found = list(nodes)
    hint = "kind cannot change it: `invoke k8s-down` removes it with its data"
    if (there := size_of(found)) != size:
        raise UsageError(f"there is a cluster of {there} already, not of {size}", hint)
    made_with, wanted = network_of(found), _network([node_image.reference])
    if made_with != wanted:
        raise UsageError(f"there is a cluster of --cni {made_with} already, not {wanted}", hint)


def network_of(nodes: Iterable[Container]) -> str:
    """Which of ``NODE_IMAGES`` these nodes are made of; ``default`` without any nodes."""
    return _network(str(each.attrs["Config"]["Image"]) for each in nodes)


def _network(references: Iterable[str]) -> str:
    names = {each.partition("@")[0].rpartition(":")[0].rpartition("/")[2] for each in references}
    return next((network for network, name in NODE_IMAGES.items() if name in names), "default")


def configuration(size: Size) -> dict[str, Any]:
    """``k8s/kind.yaml`` with its node of each role as often as ``size`` says."""
    content: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    of_role = {node["role"]: node for node in content["nodes"]}
    nodes = [of_role[k8s_nodes.CONTROL_PLANE]] * size.control_planes
    return content | {"nodes": nodes + [of_role["worker"]] * size.workers}


def file(size: Size, directory: Path) -> Path:
    """The file that kind reads: the one in ``k8s/`` where that fits, else one in ``directory``."""
    path = directory / CONFIG.name
    if size == Size():
        path.unlink(missing_ok=True)
        return CONFIG
    path.write_text(yaml.safe_dump(configuration(size), sort_keys=False))
    return path


def asked(directory: Path) -> Size:
    """The size that was asked for last, as ``file`` left it there."""
    path = directory / CONFIG.name
    content = yaml.safe_load((path if path.exists() else CONFIG).read_text())
    return _size([node["role"] for node in content["nodes"]])


def _size(roles: Sequence[str | None]) -> Size:
    return Size(roles.count(k8s_nodes.CONTROL_PLANE), roles.count("worker"))
