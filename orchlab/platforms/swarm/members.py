"""The nodes as the swarm's own managers list them: who belongs, who leads, who is ready."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from docker import DockerClient
from docker.errors import APIError, NotFound

from orchlab.errors import WaitTimeout
from orchlab.platforms.swarm.nodes import Engine
from orchlab.wait import wait_until

READY_SECONDS = 30.0
MOVE_SECONDS = 60.0
CHANGE_SECONDS = 30.0
STORE_LABEL = "orchlab.store"
"""The node label that says where Redis and its volume live."""


class Managed(Protocol):
    """What has managers; each question may go to another one, since they come and go."""

    @property
    def manager(self) -> Engine:
        """A manager that can carry out commands now."""


@dataclass(frozen=True, slots=True)
class Member:
    """One node as a manager lists it; ``address`` is where its peers reach it.

    ``state`` is "ready", "down" or "disconnected", and "voteless" of a manager whose
    vote the others do not get: it is part of no quorum yet, or no more. While a node joins
    it is "unknown", and so is its ``name``, which is empty. ``store``: Redis and its volume
    are pinned to it.
    """

    id: str
    name: str
    manager: bool
    leader: bool
    state: str
    availability: str
    address: str
    store: bool


def listed(manager: Engine) -> list[Member]:
    """All nodes that the manager knows, leader first, then by role and name."""
    with closing(manager.client()) as client:
        found = [_member(node.attrs) for node in client.nodes.list()]
    return sorted(found, key=lambda each: (not each.leader, not each.manager, each.name))


def host_name(attrs: dict[str, Any]) -> str:
    """A node's, from the API's description; empty until one that joins has described itself."""
    return str(attrs["Description"].get("Hostname", ""))


def seen(swarm: Managed) -> dict[str, str]:
    """Node states by name; empty while there is no quorum.

    A node that was made anew stands beside its earlier life, which is down for ever.
    """
    try:
        members = listed(swarm.manager)
    except APIError as error:
        if error.is_server_error():
            return {}
        raise
    return {each.name: each.state for each in sorted(members, key=lambda m: m.state == "ready")}


def await_ready(swarm: Managed, names: Iterable[str]) -> None:
    """Return when the swarm sees these nodes ready; raises ``WaitTimeout``."""
    wanted = dict.fromkeys(names, "ready")
    last: dict[str, str] = {}

    def check() -> bool:
        last.clear()
        last.update(seen(swarm))
        return wanted.items() <= last.items()

    wait_until(
        f"swarm nodes ready: {', '.join(wanted)}",
        check,
        timeout=READY_SECONDS,
        pause=0.1,
        state=lambda: str(last),
        hint="`invoke swarm-down` removes the nodes; then try again",
    )


def dismiss(swarm: Managed, names: Collection[str]) -> None:
    """Let nodes leave for good: their tasks move, then the swarm forgets them.

    Votes change only when every task runs elsewhere: a node whose session with a manager
    ends while a container of it is starting never makes that container known to DNS.
    Tasks that have not moved after a minute are lost with the node. Raises
    ``WaitTimeout`` when the swarm does not let one go.
    """
    leaving = [member for member in listed(swarm.manager) if member.name in names]
    for member in leaving:
        change(swarm, member.id, Availability="drain")
    if any(member.state != "down" for member in leaving):
        _await_moved(swarm, {member.id for member in leaving})
    for member in leaving:
        change(swarm, member.id, Role="worker")
        _strike(swarm, member.id)


def forget(swarm: Managed, names: Collection[str]) -> None:
    """Strike off the list what is down and has none of these names, or a second entry."""
    members = listed(swarm.manager)
    ready = {each.name for each in members if each.state == "ready"}
    for each in members:
        if each.state != "ready" and (each.name not in names or each.name in ready):
            change(swarm, each.id, Role="worker")
            _strike(swarm, each.id)


def label_store(swarm: Managed, names: Sequence[str]) -> None:
    """Pin Redis to the first of these nodes, unless it is pinned to one of them already.

    Raises ``WaitTimeout``.
    """
    members = {each.name: each for each in listed(swarm.manager) if each.name in names}
    if not any(each.store for each in members.values()):
        change(swarm, members[names[0]].id, Labels={STORE_LABEL: "true"})


def change(swarm: Managed, node_id: str, **wanted: Any) -> None:  # noqa: ANN401 - as the API has it
    """Set fields of a node's specification; labels are added, or removed by None."""

    def done(client: DockerClient) -> bool:
        node = client.nodes.get(node_id)
        spec = node.attrs["Spec"]
        labels = {**spec.get("Labels", {}), **wanted.get("Labels", {})}
        kept = {key: value for key, value in labels.items() if value is not None}
        new = {**spec, **wanted, "Labels": kept}
        if new == {"Labels": {}, **spec}:
            return True
        node.update(new)
        return False

    _persist(swarm, f"node {node_id} has {wanted}", done)


def _strike(swarm: Managed, node_id: str) -> None:
    """Remove a node from the list; one that was a manager first has to lose its vote."""

    def gone(client: DockerClient) -> bool:
        try:
            client.api.remove_node(node_id, force=True)
        except NotFound:
            return True
        return True

    _persist(swarm, f"node {node_id} gone", gone)


def _persist(swarm: Managed, what: str, act: Callable[[DockerClient], bool]) -> None:
    """Act until it is done, however often somebody else was first or no leader is elected.

    Raises ``WaitTimeout`` with the last refusal.
    """
    refused = ""

    def done() -> bool:
        nonlocal refused
        try:
            with closing(swarm.manager.client()) as client:
                return act(client)
        except APIError as error:
            if not (error.is_server_error() or "demoted" in str(error)):
                raise
            refused = str(error.explanation)
            return False

    wait_until(what, done, timeout=CHANGE_SECONDS, state=lambda: refused)


def _await_moved(swarm: Managed, left: Collection[str]) -> None:
    """Return when nothing runs on these nodes and what shall run does; give up after a minute.

    What has no place anywhere, such as Redis without the node of its volume, is not waited for.
    """

    def moved() -> bool:
        with closing(swarm.manager.client()) as client:
            tasks: list[dict[str, Any]] = client.api.tasks()  # type: ignore[no-untyped-call]
        running = [each for each in tasks if each["Status"]["State"] == "running"]
        starting = [
            each
            for each in tasks
            if each["DesiredState"] == "running"
            and each not in running
            and not each["Status"].get("Err")
        ]
        return not starting and not any(each.get("NodeID") in left for each in running)

    with suppress(WaitTimeout):
        wait_until("tasks moved", moved, timeout=MOVE_SECONDS)


def _member(attrs: dict[str, Any]) -> Member:
    spec, control = attrs["Spec"], attrs.get("ManagerStatus", {})
    # A manager's own status may name 0.0.0.0, but its peers agree on one address.
    address = control.get("Addr", "").rpartition(":")[0] or attrs["Status"].get("Addr", "")
    manager, state = spec["Role"] == "manager", attrs["Status"]["State"]
    voteless = manager and state == "ready" and control.get("Reachability") != "reachable"
    return Member(
        id=attrs["ID"],
        name=host_name(attrs),
        manager=manager,
        leader=bool(control.get("Leader")),
        state="voteless" if voteless else state,
        availability=spec["Availability"],
        address=address,
        store=spec.get("Labels", {}).get(STORE_LABEL) == "true",
    )
