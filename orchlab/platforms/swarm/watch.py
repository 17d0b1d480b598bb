"""What a swarm's managers say of the app's tasks and of the nodes.

The engine has no events of tasks, so their states are asked for; each state comes with the
time at which it was reached. A state that another one followed at once may be missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import requests
from docker.errors import DockerException

from orchlab import labels
from orchlab.errors import OrchlabError
from orchlab.platforms.capabilities import Happening, Tell
from orchlab.platforms.swarm.running import Running
from orchlab.platforms.swarm.tasks import Task
from orchlab.platforms.watching import engine_events, polling

NS_PER_S = 1_000_000_000


class Watch(Running):
    """Task states and node events."""

    @contextmanager
    def watch(self, tell: Tell) -> Iterator[None]:
        """Tell of changes of tasks and nodes while the block runs."""
        known = {_key(each) for each in self._now()}

        def look() -> None:
            for each in self._now():
                if _key(each) not in known:
                    known.add(_key(each))
                    tell(of_task(each))

        def heard(event: dict[str, Any]) -> None:
            tell(of_node(event))

        manager = self.swarm_nodes.manager.client()
        with engine_events(manager, {"type": "node"}, heard, tell), polling(look, "swarm", tell):
            yield

    def _now(self) -> list[Task]:
        """All tasks; none while no manager can be asked."""
        try:
            return self.stack.tasks(wanted=False)
        except (OrchlabError, DockerException, requests.RequestException):
            return []


def of_task(task: Task) -> Happening:
    """A task's state at the time at which it was reached."""
    name = task.name.removeprefix(f"{labels.LAB}_").removesuffix(f".{task.node}")
    error = f" ({task.error})" if task.error else ""
    return Happening(
        nanoseconds(task.since), f"{name}: task {task.state}{error}", "swarm", task.node
    )


def of_node(event: dict[str, Any]) -> Happening:
    """An event of a node in the manager's own words."""
    marks = event["Actor"]["Attributes"]
    name = marks.get("name", event["Actor"]["ID"])
    changes = (
        f", {what} {marks[f'{what}.old']} -> {marks[f'{what}.new']}"
        for what in ("state", "availability", "leader", "reachability", "role")
        if f"{what}.new" in marks
    )
    what = f"node {event['Action']}{''.join(changes)}"
    return Happening(int(event["timeNano"]), what, "swarm", name)


def nanoseconds(text: str) -> int:
    """Nanoseconds since the epoch of a time as the API writes it (RFC 3339, in UTC)."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    return int(moment.timestamp()) * NS_PER_S + int(f"{fraction[:9]:0<9}")


def _key(task: Task) -> tuple[str, str]:
    return task.id, task.state
