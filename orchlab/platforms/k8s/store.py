"""The Redis that holds the app's data: one pod of a StatefulSet, on one claim."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from orchlab.errors import CommandFailed, OrchlabError
from orchlab.platforms.base import Replica
from orchlab.platforms.k8s import objects as k8s_objects
from orchlab.platforms.k8s.control import Control
from orchlab.wait import wait_until

POD = "redis-0"
ANSWERS_S = 120.0


class Store:
    """Redis as ``kubectl`` reaches it."""

    def __init__(self, control: Control) -> None:
        self.control = control

    def recreate(self) -> None:
        """Delete the pod; returns when its successor on the same claim answers.

        Raises ``OrchlabError`` when there is no pod, or the successor has other
        volumes, and ``WaitTimeout`` when it does not answer.
        """
        before = self._pod()
        if before is None:
            raise OrchlabError("there is no Redis pod to replace", "`invoke k8s-deploy` makes one")
        namespace = self.control.namespace
        self.control.run("delete", "pod", "-n", namespace, POD, "--wait=false")
        after = wait_until(
            "a new Redis pod answers",
            lambda: self._successor(before.metadata.uid),
            timeout=ANSWERS_S,
        )
        if k8s_objects.claims(after) != k8s_objects.claims(before):
            raise OrchlabError("the new Redis pod has other volumes than the old one")

    def replica(self) -> Replica:
        """Redis as a process that can be broken; raises ``OrchlabError`` when there is no pod."""
        pod = self._pod()
        if pod is None:
            raise OrchlabError("there is no Redis pod", "`invoke k8s-deploy` makes one")
        return k8s_objects.replica(pod)

    def exec(self, *argv: str) -> str:
        """Run a command in the pod and return its stdout; raises ``CommandFailed``."""
        return self.control.run("exec", "-n", self.control.namespace, POD, "--", *argv, echo=False)

    def node(self) -> str:
        """The node that Redis runs on, and its volume is on; empty if it runs nowhere."""
        pod = self._pod()
        return (pod.spec.node_name or "") if pod else ""

    def version(self) -> str:
        """Redis' own version."""
        return k8s_objects.redis_version(self._ask("info", "server"))

    def fsync(self) -> str:
        """The append-only file's policy: how much an outage of the machine may lose."""
        return self._ask("config", "get", "appendfsync").split()[-1]

    def _pod(self) -> Any:  # noqa: ANN401 - the client's objects
        found = self.control.api.pods(self.control.namespace, "app=redis")
        return next((pod for pod in found if pod.metadata.name == POD), None)

    def _successor(self, old: str) -> Any:  # noqa: ANN401 - the client's objects
        pod = self._pod()
        if pod is None or pod.metadata.uid == old or not k8s_objects.condition(pod, "Ready"):
            return None
        with suppress(CommandFailed):
            return pod if self._ask("ping") == "PONG" else None
        return None

    def _ask(self, *question: str) -> str:
        return self.exec("redis-cli", *question).strip()
