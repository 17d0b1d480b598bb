from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from orchlab import labels
from orchlab.platforms.swarm import status as swarm_status
from orchlab.platforms.swarm import tasks as swarm_tasks
from orchlab.platforms.swarm.tasks import Task

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def spec(name: str, image: str = "app:1", **template: object) -> dict[str, Any]:
    return {"Name": name, "TaskTemplate": {"ContainerSpec": {"Image": image}, **template}}


def attrs(**changed: object) -> dict[str, Any]:
    return {
        "ID": "t1",
        "NodeID": "n1",
        "Slot": 2,
        "DesiredState": "shutdown",
        "Status": {
            "State": "failed",
            "Err": "exit 137",
            "Timestamp": "2026-01-02T03:04:00.123456789Z",
        },
        "Spec": {"ContainerSpec": {"Image": "app:1"}},
        **changed,
    }


def test_a_task_is_called_after_its_slot_or_its_node() -> None:
    """A global service has no slots."""
    task = swarm_tasks.task(attrs(), spec("lab_web"), {"n1": "lab-worker1"})
    assert (task.name, task.node, task.error) == ("lab_web.2", "lab-worker1", "exit 137")
    assert task.container == ""
    task = swarm_tasks.task(attrs(Slot=None), spec("lab_edge"), {"n1": "lab-worker1"})
    assert task.name == "lab_edge.lab-worker1"


def test_a_task_is_current_as_long_as_its_service_asks_for_it() -> None:
    """Another image or limit makes it old; where it is placed does not, nor an empty setting."""
    found = attrs()
    assert swarm_tasks.task(found, spec("web"), {}).current
    assert swarm_tasks.task(found, spec("web", Placement={"Constraints": ["a"]}), {}).current
    assert swarm_tasks.task(found, spec("web", Resources={"Limits": {}}), {}).current
    assert not swarm_tasks.task(found, spec("web", "app:2"), {}).current
    assert not swarm_tasks.task(found, spec("web", Resources={"Limits": {"Pids": 1}}), {}).current


def test_the_same_error_of_a_slot_is_said_once() -> None:
    """Swarm tries again and again, and each attempt leaves a task."""
    failed = [swarm_tasks.task(attrs(ID=name), spec("web"), {}) for name in ("t1", "t2")]
    assert swarm_tasks.troubles(failed) == "web.2: exit 137"


def test_status_shows_the_history_of_each_slot() -> None:
    """The newest first, without the name that all have in common, and with the errors."""
    name = f"{labels.LAB}_web.1"
    old = Task(
        "t1", name, "n1", "failed", "", "exit 1", "host/app:1", "shutdown", "2026-01-02T03:00:00Z"
    )
    new = Task(
        "t2", name, "n1", "running", "c", "", "host/app:2", "running", "2026-01-02T03:04:00Z"
    )
    assert swarm_status.tasks([old, new], NOW).rows == (
        ("web.1", "n1", "running", "5 s", "app:2", ""),
        ("web.1", "n1", "failed, to be shutdown", "4 min", "app:1", "exit 1"),
    )


def test_a_global_task_is_told_apart_by_its_node_alone() -> None:
    """Its name would only repeat the node's."""
    task = Task("t1", f"{labels.LAB}_edge.n1", "n1", "running", "c", "")
    assert swarm_status.tasks([task], NOW).rows[0][:2] == ("edge", "n1")


def test_status_shows_services_and_their_last_change() -> None:
    """With the variant and the data path that are deployed."""
    service = {
        "Spec": {
            **spec(f"{labels.LAB}_web", "host:5000/orchlab/app:1"),
            "Labels": {"orchlab.variant": "hardened", "orchlab.data-path": "edge"},
        },
        "ServiceStatus": {"RunningTasks": 2, "DesiredTasks": 3},
        "UpdateStatus": {"State": "updating", "Message": "update in progress"},
    }
    row = ("web", "2 of 3", "app:1", "hardened, edge", "updating: update in progress")
    assert swarm_status.services([service]).rows == (row,)


def test_ages_are_short() -> None:
    """In the largest unit of which there are two."""
    assert swarm_status.age("2026-01-02T03:04:05.9Z", NOW) == "0 s"
    assert swarm_status.age("2026-01-02T01:00:00Z", NOW) == "2 h"
    assert swarm_status.age("", NOW) == ""
