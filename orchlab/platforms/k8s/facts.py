"""What is in force in the cluster: versions, data path, timers and knobs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from orchlab.platforms.base import Facts
from orchlab.platforms.k8s.api import NAMESPACE, TIMEOUT_S, Api

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
KNOBS = {
    "update strategy": ("spec.strategy.type", ""),
    "max surge": ("spec.strategy.rollingUpdate.maxSurge", ""),
    "max unavailable": ("spec.strategy.rollingUpdate.maxUnavailable", ""),
    "ready for at least": ("spec.minReadySeconds", " s"),
    "progress deadline": ("spec.progressDeadlineSeconds", " s"),
    "termination grace": (f"{POD}.terminationGracePeriodSeconds", " s"),
    "preStop": (f"{CONTAINER}.lifecycle.preStop", ""),
    **{
        f"{probe} {name}": (f"{CONTAINER}.{probe}Probe.{field}", unit)
        for probe in ("startup", "readiness", "liveness")
        for name, field, unit in (
            ("delay", "initialDelaySeconds", " s"),
            ("period", "periodSeconds", " s"),
            ("time-out", "timeoutSeconds", " s"),
            ("failures", "failureThreshold", ""),
            ("successes", "successThreshold", ""),
        )
    },
}
"""Knob -> where the Deployment has it, and its unit."""

NOTHING = {f"{probe} delay": "0 s" for probe in ("readiness", "liveness")} | {
    "ready for at least": "0 s"
}
"""How a knob reads that the API leaves out, where that is not ``none``."""

KUBELET = {
    "restart back-off, longest": ("crashLoopBackOff.maxContainerRestartPeriod", "5m0s"),
    "node lease": ("nodeLeaseDurationSeconds", "40s"),
    "node status every": ("nodeStatusUpdateFrequency", "10s"),
}
"""Knob -> where the kubelet's configuration has it, and Kubernetes' default."""

UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}

FIXED = {
    "restart back-off": "at once, then 10 s doubling, reset after 10 min (default)",
    "node monitor grace": "50 s (default)",
}
"""Timers that no API reports and that nothing in ``k8s/`` changes."""


def gather(api: Api, kubelet: Mapping[str, Any], written: Sequence[Mapping[str, Any]]) -> Facts:
    """Ask the cluster what is in force; the app must be deployed.

    ``kubelet`` is one kubelet's configuration as its ``configz`` page reports it,
    ``written`` the Deployment as the files of the variant have it.
    """
    nodes = api.nodes()
    info = nodes[0].status.node_info
    network = cni(image for pod in api.pods("kube-system") for image in _images(pod))
    proxy = yaml.safe_load(_config_map(api, "kube-proxy")["config.conf"])
    mode = proxy.get("mode") or "iptables"
    versions = {
        "kubernetes": str(_plain(api, api.version.get_code())["gitVersion"]),
        "containerd": info.container_runtime_version.removeprefix("containerd://"),
        "network plugin": network,
        "kernel": info.kernel_version,
    }
    return Facts(
        versions,
        f"127.0.0.1, engine's port mapping, NodePort on any node, kube-proxy ({mode}), "
        f"pod network ({network.split()[0]}), {len(nodes)} nodes",
        knobs(_deployment(api), written)
        | kubelet_knobs(kubelet)
        | tolerations(api.pods(NAMESPACE, "app=web"), chosen=_has(written, f"{POD}.tolerations"))
        | FIXED
        | {"kube-proxy sync at most every": seconds(proxy["iptables"]["minSyncPeriod"])},
    )


def knobs(reported: Mapping[str, Any], written: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The Deployment's knobs as ``reported``, those that no file has ``written`` marked."""
    found: dict[str, str] = {}
    for name, (path, unit) in KNOBS.items():
        value = at(reported, path)
        shown = f"{value}{unit}" if value is not None else NOTHING.get(name, "none")
        found[name] = shown if _has(written, path) else f"{shown} (default)"
    return found


def _has(written: Sequence[Mapping[str, Any]], path: str) -> bool:
    return any(at(each, path) is not None for each in written)


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


def tolerations(pods: Iterable[Any], *, chosen: bool) -> dict[str, str]:
    """How long a pod stays bound to a node that is gone; admission adds it by default."""
    mark = "" if chosen else " (default)"
    for pod in pods:
        return {
            f"toleration of {each.key.rpartition('/')[2]}": f"{each.toleration_seconds} s{mark}"
            for each in pod.spec.tolerations or ()
            if each.toleration_seconds is not None
        }
    return {}


def cni(images: Iterable[str]) -> str:
    """The pod network's name and version, from the system pods' images."""
    for image in images:
        for name in ("flannel", "kindnet", "cilium", "calico"):
            if name in image:
                return f"{name} {image.rpartition(':')[2]}"
    return "unknown"


def at(tree: Any, path: str) -> Any:  # noqa: ANN401 - a tree of JSON
    """The value at a dotted path (a number counts into a list); None where it ends."""
    for key in path.split("."):
        if isinstance(tree, list):
            tree = tree[int(key)] if int(key) < len(tree) else None
        else:
            tree = (tree or {}).get(key)
    return tree


def _images(pod: Any) -> list[str]:  # noqa: ANN401
    return [container.image for container in pod.spec.containers]


def _plain(api: Api, item: object) -> dict[str, Any]:
    plain: dict[str, Any] = api.client.sanitize_for_serialization(item)
    return plain


def _deployment(api: Api) -> dict[str, Any]:
    found = api.apps.read_namespaced_deployment("web", NAMESPACE, _request_timeout=TIMEOUT_S)
    return _plain(api, found)


def _config_map(api: Api, name: str) -> dict[str, str]:
    found: Any = api.core.read_namespaced_config_map(
        name, "kube-system", _request_timeout=TIMEOUT_S
    )
    return dict(found.data)
