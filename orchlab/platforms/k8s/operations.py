"""What somebody who runs the app on Kubernetes does to it, and asks of it."""

from __future__ import annotations

from contextlib import suppress

from orchlab import console
from orchlab.errors import CommandFailed, OrchlabError, WaitTimeout
from orchlab.images.store import Image
from orchlab.platforms.base import Rollout, Table
from orchlab.platforms.k8s import autoscaler as k8s_autoscaler
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s import status as k8s_status
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.rollout import WEB
from orchlab.platforms.k8s.running import Running

DRAIN_S = 120.0
DRAIN_FLAGS = ("--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={DRAIN_S:g}s")
LOG_STREAMS = 100
"""As many pods as one ``kubectl logs`` may read; its default is 5."""


class Operations(Running):
    """Scaling, updates, drains, status and logs. Each change is a ``kubectl`` command."""

    def scale(self, replicas: int) -> None:
        """Run that many; returns when all of them serve.

        Raises ``OrchlabError`` with the pods' reasons, ``UsageError`` while an autoscaler
        does the same, or ``WaitTimeout``.
        """
        k8s_autoscaler.require_none(self.control)
        self.rollouts.scale(replicas)
        self.await_serving(replicas)

    def update(self, image: Image) -> Rollout:
        """Move to ``image``; a rollout that misses its deadline is undone, and says why."""
        rollout = self.rollouts.update(self.registry.push(image))
        self.await_serving(len(self.replicas()))
        return rollout

    def rollback(self, revision: int = 0) -> Rollout:
        """Go back to a revision, or to what ran before the last update.

        Raises ``UnknownName`` for a revision that is not kept and ``OrchlabError``
        if there is none to go back to, or it does not start either.
        """
        rollout = self.rollouts.rollback(revision)
        self.await_serving(len(self.replicas()))
        return rollout

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

    def status(self) -> list[Table]:
        """Nodes, pods with restarts and reasons, revisions, endpoints, warnings."""
        return k8s_status.tables(self.control.api)

    def follow_logs(self, *, follow: bool, tail: int) -> None:
        """Print the last ``tail`` lines of each pod; with ``follow`` go on until Ctrl-C.

        Pods that are made later are not followed: that is ``kubectl``'s limit.
        """
        self.rollouts.require()
        flags = ["--prefix", f"--tail={tail}", f"--max-log-requests={LOG_STREAMS}"]
        flags += ["--follow"] if follow else []
        with suppress(KeyboardInterrupt):
            self.control.run("logs", "-n", NAMESPACE, "-l", WEB, *flags, on_line=console.line)

    def forward(self, port: int) -> None:
        """Pass a port of 127.0.0.1 on to the app until Ctrl-C; 0 takes a free one.

        ``kubectl`` chooses one pod at the start, so nothing is balanced.
        """
        self.rollouts.require()
        ends = f"{port or ''}:http"
        with suppress(KeyboardInterrupt):
            self.control.run(
                "port-forward", "-n", NAMESPACE, "service/web", ends, on_line=console.line
            )
