"""What the HorizontalPodAutoscaler is told, and what it says. Pure: nothing here asks the cluster.

As in ``objects``, arguments are objects of the ``kubernetes`` client.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from kubernetes.utils.quantity import parse_quantity

from orchlab import paths
from orchlab.errors import UsageError
from orchlab.platforms.autoscaling import Policy
from orchlab.platforms.k8s import kustomize
from orchlab.platforms.k8s import progress as k8s_progress

DIRECTORY = paths.K8S / "autoscale"
NAME = "web"
KIND = "HorizontalPodAutoscaler"
LONGEST_S = 3600
"""The longest window that Kubernetes accepts."""
BOUNDS = {
    "TooFewReplicas": "no change, fewer than --min would do",
    "TooManyReplicas": "no change, more than --max would be needed",
}
"""Why the controller was limited, by its own word for it."""


def require_possible(policy: Policy) -> None:
    """Raise ``UsageError`` for windows that Kubernetes would refuse."""
    if max(policy.up_seconds, policy.down_seconds) > LONGEST_S:
        reason = f"Kubernetes knows no window of more than {LONGEST_S} s"
        raise UsageError(reason, "ask for a shorter --up-window or --down-window")


def kustomization(directory: Path, policy: Policy, share: float) -> dict[str, Any]:
    """``k8s/autoscale`` with this policy, as a kustomization in ``directory``.

    ``share``: how many cores a replica may use, of which the target is a percentage.
    """
    values = {
        "minReplicas": policy.least,
        "maxReplicas": policy.most,
        "metrics/0/resource/target/averageValue": f"{max(1, round(10 * policy.target * share))}m",
        "behavior/scaleUp/stabilizationWindowSeconds": round(policy.up_seconds),
        "behavior/scaleDown/stabilizationWindowSeconds": round(policy.down_seconds),
    }
    patch = [
        {"op": "replace", "path": f"/spec/{path}", "value": value} for path, value in values.items()
    ]
    target = {"kind": KIND, "name": NAME}
    patches = [{"target": target, "patch": yaml.safe_dump(patch)}]
    return kustomize.on(DIRECTORY, directory, patches=patches)


def cores(deployment: Any) -> float:  # noqa: ANN401 - the client has no types
    """How many a replica may use: its CPU limit, or one."""
    resources = deployment.spec.template.spec.containers[0].resources
    return _quantity(((resources and resources.limits) or {}).get("cpu", "1"))


def _quantity(text: str) -> float:
    return float(parse_quantity(text))  # type: ignore[no-untyped-call,unused-ignore]


def usage(autoscaler: Any, share: float) -> float | None:  # noqa: ANN401
    """Average CPU of a replica in percent of its share; None before there is a measurement."""
    for metric in autoscaler.status.current_metrics or ():
        if metric.resource and (value := metric.resource.current.average_value) is not None:
            return 100 * _quantity(value) / share
    return None


def sentence(autoscaler: Any, policy: Policy, share: float) -> str:  # noqa: ANN401
    """One line for a person: what was seen, what follows."""
    used = usage(autoscaler, share)
    seen = "not known yet" if used is None else f"{used:.0f} %"
    status = autoscaler.status
    current, desired = status.current_replicas or 0, status.desired_replicas or 0
    aim = f"CPU {seen}, target {policy.target:g} %"
    return f"{current} replicas, {aim}: {_act(status, current, desired)}"


def _act(status: Any, current: int, desired: int) -> str:  # noqa: ANN401
    reasons = {each.type: each.reason for each in status.conditions or () if each.status == "True"}
    if desired and desired != current:
        return f"now {desired}"
    if "Stabilized" in reasons.get("AbleToScale", ""):
        return "another number would do; waiting for the window"
    return BOUNDS.get(reasons.get("ScalingLimited", ""), "no change")


def news(events: Iterable[Any], autoscaler: Any) -> dict[tuple[str, int], str]:  # noqa: ANN401
    """What was reported about this autoscaler, oldest first, each by what tells it from others."""
    mine = (each for each in events if each.involved_object.uid == autoscaler.metadata.uid)
    return {
        (each.metadata.uid, each.count or 1): f"{each.reason}: {each.message}"
        for each in sorted(mine, key=k8s_progress.seen)
    }
