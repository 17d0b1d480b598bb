"""Tasks: what a swarm's managers say of each container that should run, or did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PLACED = ("Placement", "Networks", "Runtime")
"""Parts of a specification that a manager fills in or that do not change a container."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task; ``name`` is its service and slot (of a global service: its node).

    ``state`` is what it does, ``desired`` what it should do, ``since`` when the
    state was reached (ISO 8601). ``current``: it is what the service's newest
    specification asks for. ``exit_status`` is the container's; 0 until it has ended.
    """

    id: str
    name: str
    node: str
    state: str
    container: str
    error: str
    image: str = ""
    desired: str = "running"
    since: str = ""
    current: bool = True
    exit_status: int = 0


def task(attrs: dict[str, Any], spec: dict[str, Any], nodes: dict[str, str]) -> Task:
    """A task from the API's description, its service's specification and the nodes' names by id."""
    status, node = attrs["Status"], nodes.get(attrs.get("NodeID", ""), "")
    container = status.get("ContainerStatus", {})
    return Task(
        id=attrs["ID"],
        name=f"{spec['Name']}.{attrs.get('Slot') or node}",
        node=node,
        state=status["State"],
        container=container.get("ContainerID", ""),
        error=status.get("Err", ""),
        image=attrs["Spec"]["ContainerSpec"].get("Image", ""),
        desired=attrs.get("DesiredState", ""),
        since=status.get("Timestamp", ""),
        current=same(attrs["Spec"], spec["TaskTemplate"]),
        exit_status=container.get("ExitCode", 0),
    )


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two task specifications make the same container, wherever it is placed."""
    return bool(_bare(one) == _bare(other))


def _bare(spec: Any) -> Any:  # noqa: ANN401 - any part of a specification
    """Without what is empty: to the manager that is the same as absent."""
    if not isinstance(spec, dict):
        return spec
    found = {key: _bare(value) for key, value in spec.items() if key not in PLACED}
    return {key: value for key, value in found.items() if value}


def troubles(tasks: Iterable[Task]) -> str:
    """The distinct errors of tasks, for a message."""
    return "; ".join(sorted({f"{each.name}: {each.error}" for each in tasks if each.error}))
