"""The swarm that the lab's nodes form: begin, grow, shrink, and find it healthy again."""

from __future__ import annotations

from contextlib import closing

import requests
from docker import DockerClient
from docker.errors import DockerException

from orchlab import console
from orchlab.errors import OrchlabError, WaitTimeout
from orchlab.parallel import in_parallel
from orchlab.platforms import partition
from orchlab.platforms.nodes import Node, leads
from orchlab.platforms.swarm import members
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.wait import wait_until

PEER_PORT = 2377


def ensure(fleet: Fleet, image: str, registry: str) -> None:
    """Make the swarm that is wanted out of whatever is there; its network must exist.

    A swarm that is there keeps its services: nodes that stand still are started,
    missing ones join, surplus ones leave once their tasks run elsewhere. One that
    is beyond repair is made anew, without its data, and that is said.
    """
    if fleet.existing() and not revive(fleet):
        console.warn("the swarm is unfinished or broken: making it anew, without its data")
        fleet.remove()
    if fleet.existing():
        resize(fleet, image, registry)
    else:
        nodes = fleet.all
        with console.step(f"swarm: start {len(nodes)} nodes"):
            fleet.create(nodes, image, registry)
        with console.step(f"swarm: join {len(nodes)} nodes"):
            form(fleet)


def revive(fleet: Fleet) -> bool:
    """Whether what an earlier run left is a swarm, after starting what stood still.

    The daemons of nodes that died with their engine need a moment to meet again.
    """
    try:
        fleet.start()
        if not any(node.role == "manager" and _began(node) for node in fleet.members):
            return False
        wait_until(
            "a swarm manager that knows a leader",
            lambda: leads(fleet.manager),
            timeout=members.READY_SECONDS,
        )
    except (OrchlabError, DockerException, requests.RequestException):
        return False
    return True


def form(fleet: Fleet) -> None:
    """Make one swarm of fresh nodes; returns when all are ready."""
    first, *others = fleet.all
    with closing(first.client()) as client:
        client.swarm.init(advertise_addr=first.address, listen_addr=_listen(first))
    _join(first, others)
    members.await_ready(fleet, [node.name for node in fleet.all])
    members.label_store(fleet, _stores(fleet.all))


def resize(fleet: Fleet, image: str, registry: str) -> None:
    """Let the swarm have the nodes that are wanted; returns when all are ready."""
    wanted = fleet.all
    _remove_sick(fleet)
    present = fleet.members
    if missing := [node for node in wanted if node not in present]:
        with console.step(f"swarm: add {_names(missing)}"):
            fleet.create(missing, image, registry)
    known = members.seen(fleet)
    if strangers := [node for node in wanted if not _belongs(node, known)]:
        _join(fleet.manager, strangers)
    if surplus := [node for node in present if node not in wanted]:
        _warn_of_store(fleet, surplus)
        with console.step(f"swarm: remove {_names(surplus)}; their tasks move first"):
            members.dismiss(fleet, [node.name for node in surplus])
            fleet.remove(node.name for node in surplus)
    names = [node.name for node in wanted]
    members.await_ready(fleet, names)
    members.forget(fleet, names)
    members.label_store(fleet, _stores(wanted))


def _remove_sick(fleet: Fleet) -> None:
    """Remove the members that do not become ready, to be made anew.

    Those that an interrupted partition left cut off get a second chance.
    """
    known = members.seen(fleet)
    ours = [node.name for node in fleet.members if _belongs(node, known)]
    if not _never_ready(fleet, ours):
        return
    in_parallel(partition.mend, (node.name for node in fleet.members))
    if sick := _never_ready(fleet, ours):
        console.warn(f"not ready: {', '.join(sick)}; making anew what is on them")
        members.dismiss(fleet, sick)
        fleet.remove(sick)


def _never_ready(fleet: Fleet, names: list[str]) -> list[str]:
    """Those that are not ready although that was waited for."""
    try:
        members.await_ready(fleet, names)
    except WaitTimeout:
        states = members.seen(fleet)
        return [name for name in names if states.get(name) != "ready"]
    return []


def _join(manager: Node, nodes: list[Node]) -> None:
    with closing(manager.client()) as client:
        client.swarm.reload()
        tokens: dict[str, str] = client.swarm.attrs["JoinTokens"]

    def join(node: Node) -> None:
        with closing(node.client()) as client:
            if _state(client) != "inactive":  # it belongs to a swarm that knows it no more
                client.swarm.leave(force=True)
            client.swarm.join(
                remote_addrs=[f"{manager.address}:{PEER_PORT}"],
                join_token=tokens[node.role.capitalize()],
                advertise_addr=node.address,
                listen_addr=_listen(node),
            )

    # Managers one after another: each changes the quorum.
    for node in nodes:
        if node.role == "manager":
            join(node)
    in_parallel(join, [node for node in nodes if node.role == "worker"])


def _stores(nodes: list[Node]) -> list[str]:
    """Where Redis may live, best first: not on a manager, whose loss is a question of its own."""
    return [node.name for role in ("worker", "manager") for node in nodes if node.role == role]


def _warn_of_store(fleet: Fleet, surplus: list[Node]) -> None:
    names = {node.name for node in surplus}
    for each in members.listed(fleet.manager):
        if each.store and each.name in names:
            console.warn(f"{each.name} holds the volume of Redis: its data are lost with it")


def _listen(node: Node) -> str:
    return f"{node.address}:{PEER_PORT}"


def _began(node: Node) -> bool:
    """Whether a swarm was ever begun or joined on this node."""
    with closing(node.client()) as client:
        return _state(client) != "inactive"


def _belongs(node: Node, known: dict[str, str]) -> bool:
    """Whether the swarm and the node's own engine agree that it is a member."""
    with closing(node.client()) as client:
        return node.name in known and _state(client) == "active"


def _state(client: DockerClient) -> str:
    return str(client.info()["Swarm"]["LocalNodeState"])


def _names(nodes: list[Node]) -> str:
    return ", ".join(node.name for node in nodes)
