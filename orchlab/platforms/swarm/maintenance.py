"""Nodes that leave for maintenance and come back: of the lab's own swarm.

On somebody's, a drain would move what others run there, too.
"""

from __future__ import annotations

from orchlab import console
from orchlab.errors import OrchlabError, UnknownName
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm.operations import Operations
from orchlab.wait import wait_until

DRAIN_SECONDS = 120.0


class Maintenance(Operations):
    """Draining and activating nodes."""

    def drain(self, node: str) -> None:
        """Move every replica off a node; returns when all of them serve elsewhere.

        Its edge leaves as well, so it is no entry point until it is activated. Raises
        ``UnknownName``, ``OrchlabError`` for the node that holds Redis' volume, and
        ``WaitTimeout``.
        """
        self._require_node(node)
        if any(task.node == node for task in self.stack.tasks("redis")):
            raise OrchlabError(
                f"{node} holds the volume of Redis, which cannot move: a drain would end the app",
                "drain another node; `invoke swarm-status` shows where the tasks are",
            )
        replicas = len(self.replicas())
        self.stack.run("node", "update", "--availability", "drain", node)
        with console.step(f"swarm: {node} without tasks"):
            wait_until(
                f"{node} empty",
                lambda: not self._left(node),
                timeout=DRAIN_SECONDS,
                state=lambda: ", ".join(self._left(node)),
                hint=f"`invoke swarm-activate {node}` lets it take tasks again",
            )
        self.await_serving(replicas)

    def activate(self, node: str) -> None:
        """Let a drained node take replicas again; returns when it is an entry point again.

        Swarm moves none back by itself.
        """
        self._require_node(node)
        self.stack.run("node", "update", "--availability", "active", node)
        self.await_serving(len(self.replicas()))

    def _left(self, node: str) -> list[str]:
        """Tasks that still run on a node, whether they should or not."""
        tasks = self.stack.tasks(wanted=False)
        return [each.name for each in tasks if each.node == node and each.state == "running"]

    def _require_node(self, name: str) -> None:
        known = [each.name for each in swarm_members.listed(self.swarm_nodes.manager)]
        if name not in known:
            raise UnknownName("node", name, known)
