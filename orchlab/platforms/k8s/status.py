"""What ``k8s-status`` shows: nodes, pods, revisions, endpoints, warnings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from kubernetes.client.exceptions import ApiException

from orchlab.platforms.base import Table
from orchlab.platforms.k8s import objects as k8s_objects
from orchlab.platforms.k8s import progress as k8s_progress
from orchlab.platforms.k8s import rights as k8s_rights
from orchlab.platforms.k8s.api import Api
from orchlab.platforms.k8s.release import VARIANT_KEY
from orchlab.platforms.k8s.rollout import WEB

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
RECENT = 10
MINUTE, HOUR, DAY = 60, 3600, 86400


def tables(api: Api, namespace: str) -> list[Table]:
    """Ask the cluster for all of them; changes nothing."""
    now = datetime.now(UTC)
    return [
        _nodes(api, now),
        pods(api.pods(namespace), now),
        revisions(api.replica_sets(namespace, WEB), now),
        endpoints(api.slices(namespace, "web")),
        warnings(api.events(namespace), now),
    ]


def _nodes(api: Api, now: datetime) -> Table:
    """Who has rights on a namespace alone is not told, and sees that."""
    try:
        return nodes(api.nodes(), now)
    except ApiException as error:
        return Table("nodes", ("unknown",), ((k8s_rights.refusal(error),),))


def nodes(found: Iterable[Any], now: datetime) -> Table:
    """The machines, and whether they take pods."""
    rows = (
        (
            each.metadata.name,
            "control plane" if CONTROL_PLANE in (each.metadata.labels or {}) else "worker",
            ("ready" if k8s_objects.condition(each, "Ready") else "NOT READY")
            + (", drained" if each.spec.unschedulable else ""),
            k8s_objects.unreadiness(each),
            each.status.node_info.kubelet_version,
            age(each.metadata.creation_timestamp, now),
        )
        for each in found
    )
    return Table("nodes", ("node", "role", "state", "reason", "version", "age"), tuple(rows))


def pods(found: Iterable[Any], now: datetime) -> Table:
    """The app's pods: restarts, and what their containers say that do not run or did not."""
    rows = (
        (
            each.metadata.name,
            each.spec.node_name or "none",
            _state(each),
            str(k8s_objects.restarts(each)),
            "; ".join(k8s_objects.trouble(each) + k8s_objects.endings(each)),
            age(each.metadata.creation_timestamp, now),
        )
        for each in found
    )
    header = ("pod", "node", "state", "restarts", "reason", "age")
    return Table("pods", header, tuple(sorted(rows)))


def _state(pod: Any) -> str:  # noqa: ANN401 - the client has no types
    if pod.metadata.deletion_timestamp:
        return "ending"
    return "ready" if k8s_objects.condition(pod, "Ready") else f"{pod.status.phase}, not ready"


def revisions(replica_sets: Iterable[Any], now: datetime) -> Table:
    """What the Deployment had, and which of it did not start; the last row is current."""
    rows = (
        (
            str(each.number),
            each.image.rpartition("/")[2],
            each.variant,
            str(each.pods),
            each.failed and f"failed: {each.failed}",
            age(each.created, now),
        )
        for each in k8s_progress.revisions(replica_sets, VARIANT_KEY)
    )
    return Table(
        "rollout history", ("revision", "image", "variant", "pods", "note", "age"), tuple(rows)
    )


def endpoints(slices: Iterable[Any]) -> Table:
    """Where the Service sends requests."""
    rows = (
        (
            f"{address}:{port.port}",
            endpoint.target_ref.name if endpoint.target_ref else "",
            endpoint.node_name or "",
            _traffic(endpoint.conditions),
        )
        for each in slices
        for port in each.ports or ()
        for endpoint in each.endpoints or ()
        for address in endpoint.addresses
    )
    return Table("endpoints of web", ("address", "pod", "node", "traffic"), tuple(sorted(rows)))


def _traffic(conditions: Any) -> str:  # noqa: ANN401
    if conditions.ready:
        return "yes"
    return "only if no other is ready" if conditions.serving else "no"


def warnings(events: Iterable[Any], now: datetime) -> Table:
    """The newest warnings, the newest first."""
    rows = (
        (
            age(k8s_progress.seen(each), now),
            f"{each.involved_object.kind} {each.involved_object.name}",
            each.reason or "",
            " ".join((each.message or "").split()),
            str(each.count or 1),
        )
        for each in k8s_progress.warnings(events)[:RECENT]
    )
    return Table("warnings", ("ago", "about", "reason", "message", "times"), tuple(rows))


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits: ``45 s``, ``12 min``, ``3 h``, ``2 d``."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"
