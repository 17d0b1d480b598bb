"""What Kubernetes objects say, as plain values. Pure: nothing here asks the cluster.

Arguments named ``pod``, ``deployment``, ... are objects of the ``kubernetes``
client, which has no types of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from orchlab.platforms.base import Replica

NEWLINE = "\n"
RUNTIME_PREFIX = "containerd://"


def condition(item: Any, kind: str) -> bool:  # noqa: ANN401 - the client has no types
    """Whether the condition ``kind`` of a node or pod is reported as true."""
    found = [each.status for each in item.status.conditions or () if each.type == kind]
    return found == ["True"]


def unreadiness(node: Any) -> str:  # noqa: ANN401
    """Why a node or pod is not ready, in the cluster's words; empty when it is."""
    found = [each for each in node.status.conditions or () if each.type == "Ready"]
    return " ".join(each.message or each.reason or "" for each in found if each.status != "True")


def container_id(pod: Any) -> str:  # noqa: ANN401
    """The pod's first container as containerd names it; empty before it has ever started."""
    for status in pod.status.container_statuses or ():
        return (status.container_id or "").removeprefix(RUNTIME_PREFIX)
    return ""


def replicas(pods: Iterable[Any]) -> list[Replica]:
    """The replicas among the pods: those not ended and not told to end."""
    live = (
        pod
        for pod in pods
        if pod.metadata.deletion_timestamp is None
        and pod.status.phase not in ("Succeeded", "Failed")
    )
    return sorted(map(replica, live), key=lambda each: each.name)


def replica(pod: Any) -> Replica:  # noqa: ANN401
    """One pod as a replica; its id is the container's, which a restart replaces."""
    return Replica(
        name=pod.metadata.name,
        id=container_id(pod) or pod.metadata.uid,
        node=pod.spec.node_name or "",
        ready=condition(pod, "Ready"),
        image=pod.spec.containers[0].image,
    )


def trouble(pod: Any) -> list[str]:  # noqa: ANN401
    """Why a pod does not run: no node for it, or one line per container that waits."""
    unplaced = [
        f"{pod.metadata.name}: {each.reason} {each.message or ''}".rstrip()
        for each in pod.status.conditions or ()
        if each.type == "PodScheduled" and each.status == "False"
    ]
    return unplaced + [
        f"{pod.metadata.name}/{status.name}: {waiting.reason} {waiting.message or ''}".rstrip()
        for status in pod.status.container_statuses or ()
        if (waiting := status.state.waiting)
    ]


def exit_status(pod: Any) -> int | None:  # noqa: ANN401
    """How the pod's first container ended; None if it has not, or the pod was taken away."""
    for status in pod.status.container_statuses or ():
        if status.state.terminated:
            return int(status.state.terminated.exit_code)
    return None


def endings(pod: Any) -> list[str]:  # noqa: ANN401
    """How the pod's containers ended last, one line per container that did.

    With ``terminationMessagePolicy: FallbackToLogsOnError`` that has their last words.
    """
    return [
        f"{status.name} ended: {ended.reason}, exit status {ended.exit_code}"
        f", {(ended.message or 'no last words').strip().rpartition(NEWLINE)[2]}"
        for status in pod.status.container_statuses or ()
        if (ended := status.last_state and status.last_state.terminated)
    ]


def routed(slices: Iterable[Any]) -> set[str]:
    """Names of the pods to which a Service sends requests, as its EndpointSlices say."""
    endpoints = (endpoint for each in slices for endpoint in each.endpoints or ())
    return {
        endpoint.target_ref.name
        for endpoint in endpoints
        if endpoint.target_ref and endpoint.conditions.ready
    }


def restarts(pod: Any) -> int:  # noqa: ANN401
    """How often the pod's containers were started again."""
    return sum(status.restart_count for status in pod.status.container_statuses or ())


def claims(pod: Any) -> list[str]:  # noqa: ANN401
    """Names of the volume claims that the pod uses."""
    used = (volume.persistent_volume_claim for volume in pod.spec.volumes or ())
    return sorted(claim.claim_name for claim in used if claim)


def started_since(pod: Any, moment: datetime) -> bool:  # noqa: ANN401
    """Whether each container of the pod runs and started at ``moment`` or later.

    Kubernetes reports whole seconds, so ``moment`` is rounded down.
    """
    runs = [status.state.running for status in pod.status.container_statuses or ()]
    floor = moment.replace(microsecond=0)
    return bool(runs) and all(run and run.started_at >= floor for run in runs)


def holder(lease: Any, now: datetime) -> str:  # noqa: ANN401
    """The node that holds a lease; empty when nobody has renewed it in time."""
    kept = timedelta(seconds=lease.spec.lease_duration_seconds or 0)
    if lease.spec.renew_time is None or lease.spec.renew_time + kept < now:
        return ""
    return str(lease.spec.holder_identity or "").rpartition("_")[0]


def moment(text: str) -> datetime:
    """A time as the Docker engine writes it (RFC 3339, nanoseconds), in UTC."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    parsed = datetime.fromisoformat(f"{seconds}.{fraction[:6]:0<6}")
    return parsed.replace(tzinfo=UTC)


def task_pids(listing: str) -> dict[str, int]:
    """Container id -> process id of the running tasks that ``ctr tasks ls`` printed."""
    rows = (line.split() for line in listing.splitlines()[1:])
    return {row[0]: int(row[1]) for row in rows if row[2:] == ["RUNNING"]}


def redis_version(information: str) -> str:
    """The version in what ``redis-cli info server`` printed."""
    lines = (line.partition(":") for line in information.splitlines())
    return next((value.strip() for key, _, value in lines if key == "redis_version"), "unknown")
