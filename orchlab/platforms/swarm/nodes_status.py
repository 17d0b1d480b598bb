"""What ``swarm-status`` shows of the nodes: who leads, who is ready, where requests enter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchlab.platforms.base import Endpoint, Table
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm.files import DATA_PATH_LABEL, ENTRY_PORT_LABEL
from orchlab.platforms.swarm.members import Member
from orchlab.platforms.swarm.nodes import Nodes
from orchlab.platforms.swarm.stack import Stack

WAYS = {"mesh": "routing mesh, by IPVS", "edge": "edge on this node"}


def tables(nodes: Nodes, stack: Stack) -> list[Table]:
    """Ask the manager for all of them; changes nothing."""
    members = swarm_members.listed(nodes.manager)
    return [node_table(members), port_table(nodes.endpoints(), stack.find("web"))]


def node_table(members: Iterable[Member]) -> Table:
    """One row per node; ``store``: Redis and its volume are pinned to it."""
    rows = (
        (
            each.name,
            _role(each),
            each.state if each.availability == "active" else f"{each.state}, {each.availability}",
            each.address,
            "yes" if each.store else "",
        )
        for each in members
    )
    return Table("nodes", ("node", "role", "state", "address", "store"), tuple(rows))


def port_table(endpoints: Iterable[Endpoint], web: dict[str, Any] | None) -> Table:
    """One row per entry point: the port that is open on that node, and what is behind it."""
    marks = web["Spec"]["Labels"] if web else {}
    rows = [
        (endpoint.node, marks[ENTRY_PORT_LABEL], WAYS[marks[DATA_PATH_LABEL]], endpoint.url)
        for endpoint in endpoints
        if marks
    ]
    return Table("entry points", ("node", "port", "data path", "url"), tuple(rows))


def _role(member: Member) -> str:
    if member.leader:
        return "manager, leads"
    return "manager" if member.manager else "worker"
