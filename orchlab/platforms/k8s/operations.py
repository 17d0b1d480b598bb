"""What somebody who runs the app on Kubernetes does to it, and asks of it."""

from __future__ import annotations

from contextlib import suppress

from orchlab import console
from orchlab.images.store import Image
from orchlab.platforms.base import Rollout, Table
from orchlab.platforms.k8s import autoscaler as k8s_autoscaler
from orchlab.platforms.k8s import status as k8s_status
from orchlab.platforms.k8s.rollout import WEB
from orchlab.platforms.k8s.running import Running

LOG_STREAMS = 100
"""As many pods as one ``kubectl logs`` may read; its default is 5."""


class Operations(Running):
    """Scaling, updates, status and logs. Each change is a ``kubectl`` command."""

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
        rollout = self.rollouts.update(self.registry.reference(image))
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

    def status(self) -> list[Table]:
        """Nodes, pods with restarts and reasons, revisions, endpoints, warnings."""
        return k8s_status.tables(self.control.api, self.control.namespace)

    def follow_logs(self, *, follow: bool, tail: int) -> None:
        """Print the last ``tail`` lines of each pod; with ``follow`` go on until Ctrl-C.

        Pods that are made later are not followed: that is ``kubectl``'s limit.
        """
        self.rollouts.require()
        flags = ["--prefix", f"--tail={tail}", f"--max-log-requests={LOG_STREAMS}"]
        flags += ["--follow"] if follow else []
        with suppress(KeyboardInterrupt):
            self._follow("logs", "-l", WEB, *flags)

    def forward(self, port: int) -> None:
        """Pass a port of 127.0.0.1 on to the app until Ctrl-C; 0 takes a free one.

        ``kubectl`` chooses one pod at the start, so nothing is balanced.
        """
        self.rollouts.require()
        ends = f"{port or ''}:http"
        with suppress(KeyboardInterrupt):
            self._follow("port-forward", "service/web", ends)

    def _follow(self, *question: str) -> None:
        """Print what ``kubectl`` says, as it says it."""
        self.control.run("-n", self.control.namespace, *question, on_line=console.line)
