"""What is in force in the cluster: versions, data path, timers and knobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchlab.platforms.base import Facts
from orchlab.platforms.k8s import cluster_facts
from orchlab.platforms.k8s.api import APPS, Api
from orchlab.platforms.k8s.cluster_facts import CONTAINERD, KERNEL, NETWORK, at

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

FIXED = {
    "restart back-off": "at once, then 10 s doubling, reset after 10 min (default)",
    "node monitor grace": "50 s (default)",
}
"""Timers that no API reports and that nothing in ``k8s/`` changes."""


def gather(api: Api, namespace: str, written: Sequence[Mapping[str, Any]], entry: str) -> Facts:
    """Ask the cluster what is in force; the app must be deployed.

    ``written`` is the Deployment as the files of the variant have it, ``entry`` how a
    request gets to the nodes.
    """
    pods = api.pods(namespace, "app=web")
    node = next((pod.spec.node_name for pod in pods if pod.spec.node_name), "")
    found = cluster_facts.gather(api, node)
    versions = {name: found.pop(name) for name in (CONTAINERD, NETWORK, KERNEL)}
    chosen = _has(written, f"{POD}.tolerations")
    return Facts(
        {"kubernetes": api.release(), **versions},
        cluster_facts.data_path(entry, found | versions),
        knobs(_deployment(api, namespace), written) | tolerations(pods, chosen=chosen) | found,
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


def _deployment(api: Api, namespace: str) -> dict[str, Any]:
    return dict(api.read(f"{APPS}/{namespace}/deployments/web", "object"))
