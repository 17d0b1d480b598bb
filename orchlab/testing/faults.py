"""Faults for tests: all of them are mended when the test ends."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import NoReturn, Protocol, runtime_checkable

import pytest

from orchlab.platforms.base import HangFaults, Replica, ReplicaFaults
from orchlab.platforms.capabilities import Tracking
from orchlab.wait import wait_until

BACK_SECONDS = 180.0
"""Kubernetes takes a minute and more to run elsewhere what was on a lost node."""


@runtime_checkable
class NodeFaults(Protocol):
    """Nodes whose power and whose network can be cut."""

    def stop(self, node: str) -> None:
        """Cut its power."""

    def start(self, node: str) -> None:
        """Turn it on; returns when the others count on it."""

    def cut(self, node: str) -> None:
        """Drop all traffic between it and the others."""

    def mend(self) -> None:
        """Undo every cut."""


@runtime_checkable
class Replicated(Protocol):
    """What runs replicas."""

    def replicas(self) -> Sequence[Replica]:
        """A snapshot."""


@runtime_checkable
class Healed(Protocol):
    """What does not come back by itself."""

    def heal(self) -> None:
        """Bring back what ended."""


class Fault:
    """Breaks a ``target``: a platform, a stack or a cluster.

    A test of a target that has no such fault is skipped. What was broken is mended
    when the test ends, or by ``restore``, and as many replicas are ready again as
    before.
    """

    def __init__(self) -> None:
        self._undo = ExitStack()

    def crash(self, target: object, replica: Replica) -> None:
        """SIGKILL a replica's process, as a crash would: its platform is not told."""
        if not isinstance(target, ReplicaFaults):
            _skip(target, "crash of a replica")
        self._remember(target, replica.id)
        if isinstance(target, Healed):
            self._undo.callback(target.heal)
        target.crash(replica)

    def hang(self, target: object, replica: Replica) -> None:
        """SIGSTOP a replica's process: it lives, and answers nobody."""
        if not isinstance(target, HangFaults):
            _skip(target, "hang of a replica")
        self._remember(target)
        self._undo.callback(target.resume, replica)
        target.hang(replica)

    def stop(self, target: object, node: str) -> None:
        """Cut a node's power."""
        if not isinstance(target, NodeFaults):
            _skip(target, "loss of a node")
        self._remember_nodes(target)
        self._undo.callback(target.start, node)
        target.stop(node)

    def cut(self, target: object, node: str) -> None:
        """Cut a node off from the other nodes; clients still reach it."""
        if not isinstance(target, NodeFaults):
            _skip(target, "partition")
        self._remember_nodes(target)
        self._undo.callback(target.mend)
        target.cut(node)

    def restore(self) -> None:
        """Mend everything, the last fault first; raises ``WaitTimeout`` if that fails."""
        self._undo.close()

    def _remember_nodes(self, target: object) -> None:
        """Of nodes: once they are back, none leads a client to what is gone, either."""
        self._remember(target)
        if isinstance(target, Tracking):
            self._undo.callback(target.forget_attempts)

    def _remember(self, target: object, lost: str = "") -> None:
        """Have as many replicas back as there are now; looked at last, so noted first.

        ``lost``: the one that will not come back, but may be listed for a moment.
        """
        if isinstance(target, Replicated):
            self._undo.callback(_await_ready, target, len(_ready(target)), lost)


def _skip(target: object, fault: str) -> NoReturn:
    pytest.skip(f"unsupported: {type(target).__name__} has no {fault}")


def _ready(target: Replicated, lost: str = "") -> list[Replica]:
    return [each for each in target.replicas() if each.ready and each.id != lost]


def _await_ready(target: Replicated, count: int, lost: str) -> None:
    wait_until(
        f"{count} replicas ready again",
        lambda: len(_ready(target, lost)) >= count,
        timeout=BACK_SECONDS,
        state=lambda: str(target.replicas()),
    )
