"""Nodes that leave for maintenance and come back: of the lab's own cluster.

On somebody's, a drain would move what others run there, too.
"""

from __future__ import annotations

from orchlab import console
from orchlab.errors import CommandFailed, OrchlabError, WaitTimeout
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.running import Running

DRAIN_S = 120.0
DRAIN_FLAGS = ("--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={DRAIN_S:g}s")


class Maintenance(Running):
    """Draining and activating nodes. Each is a ``kubectl`` command."""

    def drain(self, node: str) -> None:
        """Move every replica off a node; returns when all of them serve elsewhere.

        Raises ``UnknownName``, ``OrchlabError`` for the node that holds Redis' volume,
        and ``WaitTimeout`` when the rest cannot take the pods.
        """
        k8s_nodes.node(node)
        if node == self.store.node():
            raise OrchlabError(
                f"{node} holds the volume of Redis, which cannot move: a drain would end the app",
                "drain another node; `invoke k8s-status` shows where the pods are",
            )
        wanted = len(self.replicas())
        try:
            with console.step(f"drain {node}") as detail:
                self.control.run("drain", node, *DRAIN_FLAGS, on_line=detail)
        except CommandFailed as error:
            last = error.output.strip().rpartition("\n")[2]
            hint = f"`invoke k8s-uncordon {node}` lets it take pods again"
            raise WaitTimeout(f"{node} empty", DRAIN_S, last, hint) from error
        self.rollouts.follow("replicas on the other nodes")
        self.await_serving(wanted)

    def activate(self, node: str) -> None:
        """Let a drained node take replicas again; Kubernetes moves none back by itself."""
        k8s_nodes.node(node)
        self.control.run("uncordon", node)
