"""What ``swarm-status`` shows of the app: services, and tasks with their history and errors."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from orchlab import labels
from orchlab.platforms.base import Table
from orchlab.platforms.swarm.files import DATA_PATH_LABEL, VARIANT_LABEL
from orchlab.platforms.swarm.stack import Stack
from orchlab.platforms.swarm.tasks import Task

UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def tables(stack: Stack) -> list[Table]:
    """Ask the manager for all of them; changes nothing."""
    return [services(stack.services()), tasks(stack.tasks(wanted=False), datetime.now(UTC))]


def services(found: Iterable[dict[str, Any]]) -> Table:
    """What should run, how much of it does, and how the last change of it went."""
    rows = (
        (
            _short(each["Spec"]["Name"]),
            "{RunningTasks} of {DesiredTasks}".format(**each["ServiceStatus"]),
            each["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"].rpartition("/")[2],
            ", ".join(_labelled(each["Spec"].get("Labels") or {})),
            _update(each.get("UpdateStatus") or {}),
        )
        for each in found
    )
    header = ("service", "tasks", "image", "variant", "last change")
    return Table("services", header, tuple(sorted(rows)))


def tasks(found: Iterable[Task], now: datetime) -> Table:
    """Each slot with what ran there before, the newest first; errors are the engine's own."""
    newest = sorted(found, key=lambda each: each.since, reverse=True)
    rows = (
        (
            _short(each.name).removesuffix(f".{each.node}"),
            each.node or "none",
            each.state if each.state == each.desired else f"{each.state}, to be {each.desired}",
            age(each.since, now),
            each.image.rpartition("/")[2],
            each.error,
        )
        for each in sorted(newest, key=lambda each: each.name)
    )
    return Table("tasks", ("task", "node", "state", "for", "image", "error"), tuple(rows))


def age(since: str, now: datetime) -> str:
    """How long ago an ISO 8601 time is, in the largest unit that fits: ``45 s``, ``3 h``."""
    if not since:
        return ""
    # The engine gives nanoseconds, Python reads microseconds.
    moment = datetime.fromisoformat(since[:19]).replace(tzinfo=UTC)
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, name in UNITS:
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def _short(name: str) -> str:
    """Without the stack's name, which all have in common."""
    return name.removeprefix(f"{labels.LAB}_")


def _labelled(marks: dict[str, str]) -> list[str]:
    return [marks[key] for key in (VARIANT_LABEL, DATA_PATH_LABEL) if key in marks]


def _update(update: dict[str, str]) -> str:
    return f"{update['State']}: {update.get('Message', '')}" if update else ""
