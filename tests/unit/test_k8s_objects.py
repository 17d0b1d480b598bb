"""What the adapter reads out of Kubernetes objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from orchlab.platforms.base import Replica
from orchlab.platforms.k8s import objects as k8s_objects

START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def make_pod(**changes: Any) -> Any:  # noqa: ANN401 - stands for an object of the client
    """A ready pod ``web-a`` on ``lab-worker`` whose container is ``c1``."""
    state = SimpleNamespace(
        running=changes.get("running", SimpleNamespace(started_at=START)),
        waiting=changes.get("waiting"),
    )
    container = SimpleNamespace(
        name="web", container_id=changes.get("container_id", "containerd://c1"), state=state
    )
    ready = SimpleNamespace(type="Ready", status=changes.get("ready", "True"))
    return SimpleNamespace(
        metadata=SimpleNamespace(
            name=changes.get("name", "web-a"),
            uid="u1",
            deletion_timestamp=changes.get("deleted"),
        ),
        spec=SimpleNamespace(node_name="lab-worker", containers=[SimpleNamespace(image="app:1")]),
        status=SimpleNamespace(
            phase=changes.get("phase", "Running"),
            conditions=[SimpleNamespace(type="PodScheduled", status="True"), ready],
            container_statuses=changes.get("statuses", [container]),
        ),
    )


def test_a_pod_is_a_replica_named_as_the_app_names_itself() -> None:
    """The pod's name is the host name, the container's id is the incarnation."""
    assert k8s_objects.replica(make_pod()) == Replica(
        "web-a", "c1", "lab-worker", ready=True, image="app:1"
    )


def test_a_restarted_container_is_a_new_incarnation_in_the_same_pod() -> None:
    """A restart keeps the name and changes the id."""
    before = k8s_objects.replica(make_pod())
    after = k8s_objects.replica(make_pod(container_id="containerd://c2"))
    assert (before.name, before.id) == (after.name, "c1")
    assert after.id == "c2"


def test_a_pod_that_never_started_is_known_by_its_own_id() -> None:
    """Without a container the pod's uid identifies it, and it is not ready."""
    pod = make_pod(statuses=None, ready="False")
    assert k8s_objects.replica(pod) == Replica(
        "web-a", "u1", "lab-worker", ready=False, image="app:1"
    )


def test_pods_that_end_are_no_replicas() -> None:
    """A pod told to end, or ended, does not count; the rest are in order of name."""
    pods = [
        make_pod(name="web-c"),
        make_pod(name="web-b", deleted=START),
        make_pod(name="web-d", phase="Failed"),
        make_pod(name="web-a"),
    ]
    assert [each.name for each in k8s_objects.replicas(pods)] == ["web-a", "web-c"]


def test_a_waiting_container_says_why() -> None:
    """The reason and message of a container that cannot start are reported."""
    waiting = SimpleNamespace(reason="ImagePullBackOff", message="no such tag")
    assert k8s_objects.trouble(make_pod(waiting=waiting)) == [
        "web-a/web: ImagePullBackOff no such tag"
    ]
    assert k8s_objects.trouble(make_pod()) == []


@pytest.mark.parametrize(
    ("later", "fresh"), [(timedelta(milliseconds=900), True), (timedelta(seconds=1), False)]
)
def test_what_started_before_its_node_is_stale(later: timedelta, fresh: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """A container older than its node's start is a memory of the API, to the second."""
    assert k8s_objects.started_since(make_pod(), START + later) is fresh


def test_what_does_not_run_has_not_started() -> None:
    """A container that is not running counts as not started, whatever the moment."""
    assert not k8s_objects.started_since(make_pod(running=None), START)
    assert not k8s_objects.started_since(make_pod(statuses=[]), START)


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("2030-01-02T03:04:05.123456789Z", 123456),
        ("2030-01-02T03:04:05.5Z", 500000),
        ("2030-01-02T03:04:05Z", 0),
    ],
)
def test_the_engines_times_are_read_to_the_microsecond(text: str, micro: int) -> None:
    """Any number of fractional digits is read, in UTC."""
    assert k8s_objects.moment(text) == START.replace(microsecond=micro)


def test_only_running_tasks_have_a_process() -> None:
    """The listing's header and its stopped tasks are left out."""
    listing = "TASK    PID     STATUS    \nabc     4321    RUNNING\ndef     99      STOPPED\n"
    assert k8s_objects.task_pids(listing) == {"abc": 4321}
    assert k8s_objects.task_pids("TASK    PID     STATUS    \n") == {}


def test_redis_names_its_version_among_other_lines() -> None:
    """The version is found whatever line end Redis sends."""
    assert k8s_objects.redis_version("# Server\r\nredis_version:8.0.2\r\n") == "8.0.2"


def test_only_claims_are_a_pods_lasting_volumes() -> None:
    """Volumes that end with the pod are left out."""
    claim = SimpleNamespace(persistent_volume_claim=SimpleNamespace(claim_name="data-redis-0"))
    token = SimpleNamespace(persistent_volume_claim=None)
    pod = SimpleNamespace(spec=SimpleNamespace(volumes=[token, claim]))
    assert k8s_objects.claims(pod) == ["data-redis-0"]
