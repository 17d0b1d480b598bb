"""What some platforms can do beyond running and being broken: neighbours, data, words, growth.

Capability protocols as in ``base``: an experiment names those it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from orchlab.images.store import Image
from orchlab.platforms.autoscaling import Policy


@dataclass(frozen=True, slots=True)
class Stranger:
    """A container that is no part of the app.

    ``run`` runs a command inside, returns its stdout and raises ``CommandFailed``. ``app``
    and ``store`` are host and port by which it would call the app and Redis.
    """

    run: Callable[..., str]
    app: tuple[str, int]
    store: tuple[str, int]


@runtime_checkable
class Strangers(Protocol):
    """Somebody else's containers, where they can talk to the app."""

    def stranger(
        self, image: Image, node: str = "", name: str = "stranger"
    ) -> AbstractContextManager[Stranger]:
        """One for the length of the block, of an image that was published, on that node or any.

        Several at once need names of their own.
        """


@dataclass(frozen=True, slots=True)
class Peer:
    """A container, and a neighbour that it may find.

    ``run`` runs a command in the container, returns its stdout and raises
    ``CommandFailed``; ``name``, ``address`` and ``port`` are the neighbour's.
    """

    run: Callable[..., str]
    name: str
    address: str
    port: int


@runtime_checkable
class NetworkModes(Protocol):
    """Kinds of network that a container can be in; ``network_modes`` are their names."""

    network_modes: tuple[str, ...]

    def peers(self, mode: str, image: Image) -> AbstractContextManager[Peer]:
        """A container of an image that was published, and its neighbour, for the block."""


@runtime_checkable
class Tracking(Protocol):
    """Nodes that remember to which replica they led a connection, also when it is gone."""

    def forget_attempts(self) -> None:
        """Let every node that is on forget the connections that nobody answered.

        A new one from the same port of the same client would be led to the same replica.
        Linux remembers them for 120 s (``nf_conntrack_tcp_timeout_syn_sent``).
        """


@runtime_checkable
class Autoscalable(Protocol):
    """A release whose number of replicas follows the load."""

    def autoscaled(self, policy: Policy) -> AbstractContextManager[None]:
        """Let it follow while the block runs; the last number stays.

        Raises ``WaitTimeout`` when nothing can be measured.
        """


@dataclass(frozen=True, slots=True)
class Place:
    """A directory with data, in a volume or in a replica.

    ``run`` runs a command there as the data's owner, with an open file as ``source`` for
    its stdin or as ``sink`` for its stdout; raises ``CommandFailed``. ``name`` says for a
    person where it is. ``lasting``: what is there outlives the replica.
    """

    name: str
    run: Callable[..., str]
    directory: str = "/data"
    lasting: bool = True


@runtime_checkable
class VolumeBackup(Protocol):
    """A running release whose data can be copied, and replaced.

    All of it raises ``OrchlabError`` when nothing is deployed.
    """

    def ask_store(self, *commands: str) -> list[str]:
        """Send commands to Redis over one connection; the lines of all their answers."""

    def file_places(self) -> list[Place]:
        """Where the app's files are: in a volume for all, in one for a node, in each replica."""

    def store_place(self) -> AbstractContextManager[Place]:
        """Redis' volume, through a helper that is there for the block; Redis may run or not."""

    def store_stopped(self) -> AbstractContextManager[None]:
        """Redis is stopped for the block, and started after it whatever happened in it.

        Returns when the app reaches Redis again; raises ``WaitTimeout``.
        """


@runtime_checkable
class Describable(Protocol):
    """A platform that shows what it was told of the app."""

    def describe(self) -> str:
        """All that its own inspection shows of the app's objects, contents of secrets apart."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What a platform says that happened, at ``at_ns`` since the epoch by its own clock.

    ``source`` is who said it (docker, swarm or k8s), ``node`` where it happened.
    """

    at_ns: int
    subject: str
    source: str
    node: str = ""


Tell = Callable[[Happening], None]
"""Told from another thread."""


@runtime_checkable
class Watchable(Protocol):
    """A platform that says what happens to the app's containers, tasks or pods."""

    def watch(self, tell: Tell) -> AbstractContextManager[None]:
        """Tell of each change while the block runs; looks only, and ends with the block."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One question for the agent in the app's image (``app/agent.py``).

    ``name`` is that of the run and tells it from others; ``image`` was published; ``key`` is
    a file that a container's user may read; ``settings`` are variables for the agent, none
    of them secret.
    """

    name: str
    image: Image
    key: Path
    settings: Mapping[str, str]


@runtime_checkable
class Jobs(Protocol):
    """A platform that also runs what is to end, and not only what is to stay."""

    def run_agent(self, errand: Errand) -> int:
        """Run the agent as a job, print what it says as it says it, return its exit status.

        Nothing of it is left afterwards, the key included. Raises ``OrchlabError`` or
        ``WaitTimeout`` when it cannot even start.
        """
