"""A manager and two workers, and how their swarm lists them."""

from __future__ import annotations

from typing import Any

from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm.members import Member

MANAGER = Node("manager", 1, "198.18.0.11")
WORKERS = [Node("worker", n, f"198.18.0.2{n}") for n in (1, 2)]


def member(node: Node, **changed: Any) -> Member:  # noqa: ANN401 - any field of a member
    """A node that is as it should be, but for what is said."""
    fields = {
        "id": f"id-{node.name}",
        "name": node.name,
        "manager": node.role == "manager",
        "leader": node == MANAGER,
        "state": "ready",
        "availability": "active",
        "address": node.address,
        "store": False,
    }
    return Member(**{**fields, **changed})
