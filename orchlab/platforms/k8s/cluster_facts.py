"""What is in force of the cluster itself. Rights on a namespace are not enough to be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from orchlab.platforms.k8s.api import Api
from orchlab.platforms.k8s.rights import told

NODES, CONTAINERD, KERNEL = "nodes", "containerd", "kernel"
NETWORK = "network plugin"
PROXY, SYNC = "kube-proxy", "kube-proxy sync at most every"

KUBELET = {
    "restart back-off, longest": ("crashLoopBackOff.maxContainerRestartPeriod", "5m0s"),
    "node lease": ("nodeLeaseDurationSeconds", "40s"),
    "node status every": ("nodeStatusUpdateFrequency", "10s"),
}
"""Knob -> where the kubelet's configuration has it, and Kubernetes' default."""

UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}


def gather(api: Api, node: str) -> dict[str, str]:
    """All of the names above; a kubelet's are those of ``node``.

    What may not be asked is unknown, with the reason.
    """
    questions = (
        ((NODES, CONTAINERD, KERNEL), lambda: _nodes(api)),
        ((NETWORK,), lambda: {NETWORK: cni(_system_images(api))}),
        ((PROXY, SYNC), lambda: proxy(_settings(api).get("config.conf", ""))),
        (KUBELET, lambda: kubelet_knobs(api.kubelet(node))),
    )
    found: dict[str, str] = {}
    for names, ask in questions:
        found |= told(names, ask)
    return found


def data_path(entry: str, found: Mapping[str, str]) -> str:
    """How a request travels, in one line; ``entry`` is the part before the nodes."""
    brief = {name: value.split()[0].rstrip(":") for name, value in found.items()}
    return (
        f"{entry}, NodePort on any node, kube-proxy ({brief[PROXY]}), "
        f"pod network ({brief[NETWORK]}), nodes: {brief[NODES]}"
    )


def cni(images: Iterable[str]) -> str:
    """The pod network's name and version, from the system pods' images."""
    for image in images:
        for name in ("flannel", "kindnet", "cilium", "calico"):
            if name in image:
                return f"{name} {image.rpartition(':')[2]}"
    return "unknown: no image of a known one runs in kube-system"


def proxy(configuration: str) -> dict[str, str]:
    """The mode of kube-proxy, and how long it collects changes."""
    found = yaml.safe_load(configuration)
    if not found:
        return dict.fromkeys((PROXY, SYNC), "unknown: kube-proxy's ConfigMap has no config.conf")
    sync = at(found, "iptables.minSyncPeriod")
    return {PROXY: found.get("mode") or "iptables", SYNC: seconds(sync or "0s")}


def kubelet_knobs(configuration: Mapping[str, Any]) -> dict[str, str]:
    """The kubelet's timers; what its configuration leaves empty is Kubernetes' default."""
    found: dict[str, str] = {}
    for name, (path, default) in KUBELET.items():
        shown = seconds(at(configuration, path) or default)
        found[name] = f"{shown} (default)" if shown == seconds(default) else shown
    return found


def seconds(duration: str | int) -> str:
    """A duration as Go writes it (``5m0s``), or a number of seconds, as ``300 s``."""
    total = sum(
        float(number) * UNITS[unit]
        for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", f"{duration}s")
    )
    return f"{total:g} s"


def at(tree: Any, path: str) -> Any:  # noqa: ANN401 - a tree of JSON
    """The value at a dotted path (a number counts into a list); None where it ends."""
    for key in path.split("."):
        if isinstance(tree, list):
            tree = tree[int(key)] if int(key) < len(tree) else None
        else:
            tree = (tree or {}).get(key)
    return tree


def _nodes(api: Api) -> dict[str, str]:
    nodes = api.nodes()
    info = nodes[0].status.node_info
    return {
        NODES: str(len(nodes)),
        CONTAINERD: info.container_runtime_version.removeprefix("containerd://"),
        KERNEL: info.kernel_version,
    }


def _system_images(api: Api) -> list[str]:
    pods = api.pods("kube-system")
    return [container.image for pod in pods for container in pod.spec.containers]


def _settings(api: Api) -> dict[str, str]:
    """Those of kube-proxy, where kubeadm keeps them."""
    return api.config_map("kube-system", "kube-proxy")
