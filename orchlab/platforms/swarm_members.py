"""The nodes as the swarm's own managers list them: who belongs, who leads, who is ready."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from docker.errors import APIError, NotFound

from orchlab.errors import WaitTimeout
from orchlab.platforms.swarm_nodes import Engine
from orchlab.wait import wait_until

READY_SECONDS = 30.0
MOVE_SECONDS = 60.0
LEAVE_SECONDS = 30.0
STORE_LABEL = "orchlab.store"
"""The node label that says where Redis and its volume live."""


@dataclass(frozen=True, slots=True)
class Member:
    """One node as a manager lists it; ``address`` is where its peers reach it."""

    id: str
    name: str
    manager: bool
    leader: bool
    state: str
    availability: str
    address: str
    labels: tuple[str, ...]


def listed(manager: Engine) -> list[Member]:
    """All nodes that the manager knows, leader first, then by role and name."""
    with closing(manager.client()) as client:
        found = [_member(node.attrs) for node in client.nodes.list()]
    return sorted(found, key=lambda each: (not each.leader, not each.manager, each.name))


def seen(manager: Engine) -> dict[str, str]:
    """Node states by name; empty while the manager has no quorum.

    A node that was made anew stands beside its earlier life, which is down for ever.
    """
    try:
        members = listed(manager)
    except APIError as error:
        if error.is_server_error():
            return {}
        raise
    return {each.name: each.state for each in sorted(members, key=lambda m: m.state == "ready")}


def await_ready(manager: Callable[[], Engine], names: Iterable[str]) -> None:
    """Return when the swarm sees these nodes ready; raises ``WaitTimeout``.

    ``manager`` is asked for each look, since the one that answers may change.
    """
    wanted = dict.fromkeys(names, "ready")
    last: dict[str, str] = {}

    def check() -> bool:
        last.clear()
        last.update(seen(manager()))
        return wanted.items() <= last.items()

    wait_until(
        f"swarm nodes ready: {', '.join(wanted)}",
        check,
        timeout=READY_SECONDS,
        pause=0.1,
        state=lambda: str(last),
        hint="`invoke swarm-down` removes the nodes; then try again",
    )


def dismiss(manager: Engine, name: str) -> None:
    """Let a node leave for good: its tasks move, then the swarm forgets it.

    Tasks that have not moved after a minute are lost with the node. Raises
    ``WaitTimeout`` when the swarm does not let it go.
    """
    for member in (each for each in listed(manager) if each.name == name):
        change(manager, member.id, Availability="drain", Role="worker")
        if member.state == "ready":
            _await_empty(manager, member.id)
        _strike(manager, member.id)


def forget(manager: Engine, names: Collection[str]) -> None:
    """Strike off the list what is down and has none of these names, or a second entry."""
    members = listed(manager)
    ready = {each.name for each in members if each.state == "ready"}
    for each in members:
        if each.state == "down" and (each.name not in names or each.name in ready):
            if each.manager:
                change(manager, each.id, Role="worker")
            _strike(manager, each.id)


def label_store(manager: Engine, name: str) -> None:
    """Pin Redis to the node of that name; raises ``WaitTimeout``."""
    for each in listed(manager):
        if each.name == name:
            change(manager, each.id, Labels={STORE_LABEL: "true"})


def change(manager: Engine, node_id: str, **wanted: Any) -> None:  # noqa: ANN401 - as the API has it
    """Set fields of a node's specification; labels are added, or removed by None.

    Tried again when somebody else changed it at the same moment, or a leader is
    being elected; raises ``WaitTimeout``.
    """
    refused = ""
    with closing(manager.client()) as client:

        def done() -> bool:
            nonlocal refused
            node = client.nodes.get(node_id)
            spec = node.attrs["Spec"]
            labels = {**spec.get("Labels", {}), **wanted.get("Labels", {})}
            kept = {key: value for key, value in labels.items() if value is not None}
            new = {**spec, **wanted, "Labels": kept}
            if new == {"Labels": {}, **spec}:
                return True
            try:
                node.update(new)
            except APIError as error:
                if not error.is_server_error():
                    raise
                refused = str(error.explanation)
            return False

        wait_until(f"node {node_id} has {wanted}", done, timeout=10, state=lambda: refused)


def _await_empty(manager: Engine, node_id: str) -> None:
    def empty() -> bool:
        with closing(manager.client()) as client:
            tasks: list[dict[str, Any]] = client.api.tasks(filters={"node": node_id})  # type: ignore[no-untyped-call]
        return not any(each["Status"]["State"] == "running" for each in tasks)

    with suppress(WaitTimeout):
        wait_until(f"tasks of node {node_id} ended", empty, timeout=MOVE_SECONDS)


def _strike(manager: Engine, node_id: str) -> None:
    """Remove a node from the list; one that was a manager first has to lose its vote."""
    refused = ""

    def gone() -> bool:
        nonlocal refused
        try:
            client.api.remove_node(node_id, force=True)
        except NotFound:
            return True
        except APIError as error:
            refused = str(error.explanation)
            return False
        return True

    with closing(manager.client()) as client:
        wait_until(f"node {node_id} gone", gone, timeout=LEAVE_SECONDS, state=lambda: refused)


def _member(attrs: dict[str, Any]) -> Member:
    spec, control = attrs["Spec"], attrs.get("ManagerStatus", {})
    # A manager's own status may name 0.0.0.0, but its peers agree on one address.
    address = control.get("Addr", "").rpartition(":")[0] or attrs["Status"].get("Addr", "")
    return Member(
        id=attrs["ID"],
        name=attrs["Description"]["Hostname"],
        manager=spec["Role"] == "manager",
        leader=bool(control.get("Leader")),
        state=attrs["Status"]["State"],
        availability=spec["Availability"],
        address=address,
        labels=tuple(f"{key}={value}" for key, value in sorted(spec.get("Labels", {}).items())),
    )
