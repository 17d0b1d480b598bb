"""What platforms say of themselves, and the threads that listen."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from orchlab.platforms.capabilities import Happening
from orchlab.platforms.compose import watch as compose_watch
from orchlab.platforms.k8s import watch as k8s_watch
from orchlab.platforms.swarm import watch as swarm_watch
from orchlab.platforms.swarm.tasks import Task
from orchlab.platforms.watching import engine_events, polling
from orchlab.wait import wait_until

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MOMENT_NS = int(MOMENT.timestamp()) * 1_000_000_000
LABEL = {"com.docker.compose.service": "web", "name": "orchlab-test-web-1"}


def container_event(action: str, **marks: str) -> dict[str, Any]:
    return {"Action": action, "timeNano": MOMENT_NS + 7, "Actor": {"Attributes": LABEL | marks}}


def test_a_container_that_ends_is_told_with_its_exit_status() -> None:
    """In the engine's own word, at the engine's own time."""
    said = compose_watch.happening(container_event("die", exitCode="137"), "here")
    assert said is not None
    assert said.subject.endswith("web-1: die (exit status 137)")
    assert (said.at_ns, said.source, said.node) == (MOMENT_NS + 7, "docker", "here")


def test_health_checks_are_no_change_of_a_container() -> None:
    """Each is an exec, and there are many; what they found is an event of its own."""
    assert compose_watch.happening(container_event("exec_start: python3 -m app.probe"), "n") is None
    said = compose_watch.happening(container_event("health_status: unhealthy"), "n")
    assert said is not None
    assert said.subject.endswith("health_status: unhealthy")


def test_a_task_s_state_has_the_time_at_which_it_was_reached() -> None:
    """To the nanosecond, however many digits the manager writes."""
    since = "2026-01-02T03:04:05.00000012Z"
    task = Task("t", "orchlab-test_web.2", "w1", "failed", "c", "exit 137", since=since)
    said = swarm_watch.of_task(task)
    assert said.subject.endswith("web.2: task failed (exit 137)")
    assert (said.at_ns, said.source, said.node) == (MOMENT_NS + 120, "swarm", "w1")


def test_a_node_s_event_says_what_changed() -> None:
    """From which state to which."""
    marks = {"name": "w1", "state.old": "ready", "state.new": "down"}
    event = {"Action": "update", "timeNano": 5, "Actor": {"ID": "x", "Attributes": marks}}
    said = swarm_watch.of_node(event)
    assert said == Happening(5, "node update, state ready -> down", "swarm", "w1")


def pod(**status: object) -> SimpleNamespace:
    meta = SimpleNamespace(
        name="web-x",
        creation_timestamp=MOMENT,
        deletion_timestamp=MOMENT + timedelta(seconds=40),
        deletion_grace_period_seconds=25,
    )
    return SimpleNamespace(
        metadata=meta, spec=SimpleNamespace(node_name="w1"), status=SimpleNamespace(**status)
    )


def test_a_pod_s_status_tells_its_past() -> None:
    """Made, ready, ended, started again, told to end: each at the time that it gives."""
    later = MOMENT + timedelta(seconds=9)
    ended = SimpleNamespace(reason="Error", exit_code=137, finished_at=later)
    states = SimpleNamespace(
        last_state=SimpleNamespace(running=None, terminated=ended),
        state=SimpleNamespace(running=SimpleNamespace(started_at=later), terminated=None),
    )
    ready = SimpleNamespace(type="Ready", status="False", last_transition_time=later)
    said = k8s_watch.happenings(pod(conditions=[ready], container_statuses=[states]))
    at = {each.subject: (each.at_ns - MOMENT_NS) // 1_000_000_000 for each in said}
    assert at == {
        "web-x: pod created": 0,
        "web-x: pod told to end": 15,
        "web-x: pod not ready": 9,
        "web-x: container ended (Error, exit status 137)": 9,
        "web-x: container started": 9,
    }


def test_a_watcher_that_breaks_says_so_and_breaks_nothing_else() -> None:
    """The block that it watches goes on."""
    said: list[Happening] = []

    def broken() -> None:
        raise RuntimeError("gone")

    with polling(broken, "swarm", said.append):
        wait_until("it broke", lambda: said, timeout=10)
    assert said[0].subject == "not watched any more: RuntimeError: gone"


class Engine:
    """An engine whose stream of events ends when it is closed, as the SDK's does."""

    def __init__(self) -> None:
        self.sent: queue.Queue[object] = queue.Queue()
        self.closed = False

    def events(self, **_: object) -> Engine:
        return self

    def __iter__(self) -> Iterator[object]:
        return iter(self.sent.get, None)

    def close(self) -> None:
        self.closed = True
        self.sent.put(None)


def test_an_engine_is_listened_to_until_the_block_ends() -> None:
    """Then the stream is closed and its thread is gone."""
    engine, heard = Engine(), []
    with engine_events(engine, {}, heard.append, heard.append):  # type: ignore[arg-type]
        engine.sent.put("an event")
        wait_until("it is heard", lambda: heard, timeout=10)
    assert heard == ["an event"]
    assert engine.closed
