"""How far a rollout is, and why one gets stuck. Pure: nothing here asks the cluster.

As in ``objects``, arguments are objects of the ``kubernetes`` client.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchlab.platforms.k8s import objects as k8s_objects

REVISION = "deployment.kubernetes.io/revision"
FAILED = "orchlab.failed"
"""Annotation that the lab puts on a revision that did not start: the reason."""
REASONS = 3
DEADLINE = "ProgressDeadlineExceeded"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a rollout stands: ``stuck`` is final until the Deployment changes, as is ``done``."""

    done: bool
    stuck: bool
    text: str


UNSEEN = Progress(done=False, stuck=False, text="waiting for the controller to see it")


@dataclass(frozen=True, slots=True)
class Revision:
    """One pod template that the Deployment had or has, kept as its ReplicaSet.

    ``failed`` is why it did not start, when that was last tried; else empty.
    """

    number: int
    replica_set: str
    image: str
    variant: str
    pods: int
    created: datetime
    failed: str


def progress(deployment: Any) -> Progress:  # noqa: ANN401 - the client has no types
    """The same order of questions as ``kubectl rollout status`` asks, up to the last one.

    New replicas have to be ready, not available: ``minReadySeconds`` is the controller's own
    patience before it takes an old one away, and as long as there are old ones it is not done.
    """
    status = deployment.status
    if not _seen_by_controller(deployment):
        return UNSEEN
    wanted = deployment.spec.replicas
    updated, total = status.updated_replicas or 0, status.replicas or 0
    ready = status.ready_replicas or 0
    text = (
        f"{updated} of {wanted} updated, {ready} ready, {total - updated} old: "
        f"{_reason(status.conditions)}"
    )
    if any(each.reason == DEADLINE for each in status.conditions or ()):
        return Progress(done=False, stuck=True, text=text)
    done = updated >= wanted and total <= updated and ready >= updated
    return Progress(done=done, stuck=False, text=text)


def stateful(found: Any) -> Progress:  # noqa: ANN401
    """The same of a StatefulSet, which has no deadline and so is never stuck."""
    status, wanted = found.status, found.spec.replicas
    if not _seen_by_controller(found):
        return UNSEEN
    updated, ready = status.updated_replicas or 0, status.ready_replicas or 0
    text = f"{updated} of {wanted} updated, {ready} ready"
    return Progress(done=min(updated, ready) >= wanted, stuck=False, text=text)


def _seen_by_controller(found: Any) -> bool:  # noqa: ANN401
    """Until then its status is about the past."""
    return bool((found.status.observed_generation or 0) >= found.metadata.generation)


def _reason(conditions: Iterable[Any] | None) -> str:
    found = (each.reason for each in conditions or () if each.type == "Progressing")
    return next(found, "not begun")


def revisions(replica_sets: Iterable[Any], variant_key: str) -> list[Revision]:
    """The Deployment's history, the current revision last."""
    found = (
        Revision(
            number=int((each.metadata.annotations or {}).get(REVISION, 0)),
            replica_set=each.metadata.name,
            image=each.spec.template.spec.containers[0].image,
            variant=(each.metadata.labels or {}).get(variant_key, ""),
            pods=each.status.replicas or 0,
            created=each.metadata.creation_timestamp,
            failed=(each.metadata.annotations or {}).get(FAILED, ""),
        )
        for each in replica_sets
    )
    return sorted(found, key=lambda each: each.number)


def why(pods: Iterable[Any], events: Iterable[Any], since: datetime) -> str:
    """Why pods are not ready: their own last words, what they wait for, what was reported.

    Only warnings of ``since`` or later count, about these pods or about pods that
    could not even be made.
    """
    unready = [pod for pod in pods if not k8s_objects.condition(pod, "Ready")]
    names = {pod.metadata.name for pod in unready}
    lines = [line for pod in unready for line in k8s_objects.endings(pod)]
    lines += [line for pod in unready for line in k8s_objects.trouble(pod)]
    lines += [
        f"{each.involved_object.name}: {each.reason}: {_one_line(each.message)}"
        for each in warnings(events)
        if seen(each) >= since
        and (each.involved_object.kind == "ReplicaSet" or each.involved_object.name in names)
    ]
    return "; ".join(list(dict.fromkeys(lines))[:REASONS]) or "no pod says why"


def warnings(events: Iterable[Any]) -> list[Any]:
    """The events of type Warning, the newest first."""
    return sorted((each for each in events if each.type == "Warning"), key=seen, reverse=True)


def seen(event: Any) -> datetime:  # noqa: ANN401
    """When an event happened last; reporters fill in different fields."""
    last = event.series.last_observed_time if event.series else None
    moment: datetime = (
        last or event.last_timestamp or event.event_time or event.metadata.creation_timestamp
    )
    return moment


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
