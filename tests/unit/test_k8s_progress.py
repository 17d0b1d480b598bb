"""How far a rollout is, and why one gets stuck."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from orchlab.platforms.k8s import progress as k8s_progress
from orchlab.platforms.k8s.progress import FAILED, REVISION

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def deployment(reason: str = "ReplicaSetUpdated", **counts: int) -> Any:  # noqa: ANN401 - a client's object
    """Three replicas wanted, all of them updated and ready unless ``counts`` says else."""
    status: dict[str, int | None] = {
        "observed_generation": 2,
        "updated_replicas": 3,
        "replicas": 3,
        "ready_replicas": 3,
        **counts,
    }
    conditions = [
        SimpleNamespace(type="Available", reason="MinimumReplicasAvailable"),
        SimpleNamespace(type="Progressing", reason=reason),
    ]
    return SimpleNamespace(
        metadata=SimpleNamespace(generation=2),
        spec=SimpleNamespace(replicas=3),
        status=SimpleNamespace(conditions=conditions, **status),
    )


@pytest.mark.parametrize(
    "counts",
    [
        {"observed_generation": 1},
        {"updated_replicas": 2},
        {"replicas": 4},
        {"ready_replicas": 2},
    ],
)
def test_a_rollout_goes_on_while_anything_is_missing(counts: dict[str, int]) -> None:
    """Not seen yet, not updated yet, old pods left, or new ones not ready: not done."""
    found = k8s_progress.progress(deployment(**counts))
    assert not found.done
    assert not found.stuck


def test_a_rollout_is_done_when_all_are_new_and_ready() -> None:
    """The text says the counts and the controller's own word."""
    found = k8s_progress.progress(deployment("NewReplicaSetAvailable"))
    assert found.done
    assert found.text == "3 of 3 updated, 3 ready, 0 old: NewReplicaSetAvailable"


def test_a_missed_deadline_is_final() -> None:
    """Kubernetes only reports it; the old pods go on."""
    found = k8s_progress.progress(deployment(k8s_progress.DEADLINE, updated_replicas=1, replicas=4))
    assert found.stuck
    assert not found.done


def test_a_deadline_that_an_older_generation_missed_does_not_count() -> None:
    """Until the controller has seen the change, its conditions are about the past."""
    found = k8s_progress.progress(deployment(k8s_progress.DEADLINE, observed_generation=1))
    assert not found.stuck


@pytest.mark.parametrize(
    ("counts", "done"),
    [
        ({}, True),
        ({"observed_generation": 1}, False),
        ({"updated_replicas": None}, False),
        ({"ready_replicas": None}, False),
    ],
)
def test_a_stateful_set_is_rolled_out_when_its_pod_is_new_and_ready(
    counts: dict[str, int | None], *, done: bool
) -> None:
    """Counts that are none yet are missing in the answer."""
    status = {"observed_generation": 2, "updated_replicas": 1, "ready_replicas": 1, **counts}
    found = SimpleNamespace(
        metadata=SimpleNamespace(generation=2),
        spec=SimpleNamespace(replicas=1),
        status=SimpleNamespace(**status),
    )
    assert k8s_progress.stateful(found).done is done


def replica_set(number: int, failed: str = "") -> Any:  # noqa: ANN401 - a client's object
    annotations = {REVISION: str(number)} | ({FAILED: failed} if failed else {})
    container = SimpleNamespace(image=f"registry/app:{number}")
    return SimpleNamespace(
        metadata=SimpleNamespace(
            name=f"web-{number}",
            annotations=annotations,
            labels={"variant": "hardened"},
            creation_timestamp=NOW,
        ),
        spec=SimpleNamespace(
            template=SimpleNamespace(spec=SimpleNamespace(containers=[container]))
        ),
        status=SimpleNamespace(replicas=None),
    )


def test_the_history_is_in_order_of_revisions() -> None:
    """By number and not by text; the current one is the last."""
    sets = [replica_set(10), replica_set(9, "no such image"), replica_set(2)]
    found = k8s_progress.revisions(sets, "variant")
    assert [each.number for each in found] == [2, 9, 10]
    assert [each.failed for each in found] == ["", "no such image", ""]
    assert found[-1].image == "registry/app:10"
    assert found[-1].variant == "hardened"


def event(name: str, message: str, age: int = 0, **changed: Any) -> Any:  # noqa: ANN401 - a client's object
    fields: dict[str, Any] = {
        "type": "Warning",
        "reason": "Unhealthy",
        "series": None,
        "event_time": None,
        "last_timestamp": NOW - timedelta(seconds=age),
    }
    return SimpleNamespace(
        involved_object=SimpleNamespace(name=name, kind=changed.pop("kind", "Pod")),
        message=message,
        metadata=SimpleNamespace(creation_timestamp=NOW - timedelta(days=1)),
        **{**fields, **changed},
    )


def pod(name: str, *, ready: bool, **status: Any) -> Any:  # noqa: ANN401 - a client's object
    """A pod whose one container has the given states."""
    container = SimpleNamespace(
        name="web",
        state=SimpleNamespace(waiting=status.get("waiting")),
        last_state=SimpleNamespace(terminated=status.get("terminated")),
    )
    conditions = [SimpleNamespace(type="Ready", status=str(ready), reason="", message="")]
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name),
        status=SimpleNamespace(container_statuses=[container], conditions=conditions),
    )


def test_the_reason_is_what_the_process_said_last() -> None:
    """Its last line comes before what the cluster thinks of it; healthy pods are left out."""
    ended = SimpleNamespace(reason="Error", exit_code=2, message="Traceback\nwrong setting: PORT\n")
    waiting = SimpleNamespace(reason="CrashLoopBackOff", message="back-off 20s")
    pods = [pod("good", ready=True), pod("bad", ready=False, terminated=ended, waiting=waiting)]
    found = k8s_progress.why(pods, [event("good", "slow"), event("bad", "probe failed")], NOW)
    assert found == (
        "web ended: Error, exit status 2, wrong setting: PORT; "
        "bad/web: CrashLoopBackOff back-off 20s; "
        "bad: Unhealthy: probe failed"
    )


def test_a_pod_that_could_not_be_made_is_a_reason_too() -> None:
    """Its ReplicaSet's warning says why there is none; older warnings are another story's."""
    refused = event("web-9", "violates\n PodSecurity", kind="ReplicaSet", reason="FailedCreate")
    stale = event("web-8", "quota", age=60, kind="ReplicaSet")
    normal = event("web-9", "created", kind="ReplicaSet", type="Normal")
    found = k8s_progress.why([], [stale, refused, normal], NOW)
    assert found == "web-9: FailedCreate: violates PodSecurity"
    assert k8s_progress.why([], [], NOW) == "no pod says why"


def test_an_events_time_is_whatever_its_reporter_filled_in() -> None:
    """A repeated event is as old as its last repetition."""
    series = SimpleNamespace(last_observed_time=NOW + timedelta(seconds=5))
    assert k8s_progress.seen(event("a", "b", series=series)) == NOW + timedelta(seconds=5)
    new = event("a", "b", last_timestamp=None, event_time=NOW)
    assert k8s_progress.seen(new) == NOW
    bare = event("a", "b", last_timestamp=None)
    assert k8s_progress.seen(bare) == NOW - timedelta(days=1)
