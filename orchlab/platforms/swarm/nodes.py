"""Whose nodes a swarm runs on: the lab's own (``Fleet``), or somebody's (``ExistingNodes``).

What works through a manager alone works on both. Faults need the machine itself, so
only the lab's own nodes have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from docker import DockerClient
from docker.models.containers import Container

from orchlab.platforms.base import Endpoint


class Engine(Protocol):
    """A Docker engine that is a node of a swarm."""

    @property
    def name(self) -> str:
        """The node's name in the swarm."""

    @property
    def environment(self) -> dict[str, str]:
        """What makes the ``docker`` command talk to it."""

    def client(self, timeout: float = 60.0) -> DockerClient:
        """A client of it, to be closed by the caller (``closing``)."""


class Nodes(Protocol):
    """The nodes of one swarm, as far as they can be reached."""

    @property
    def manager(self) -> Engine:
        """A manager that can carry out commands."""

    @property
    def all(self) -> Sequence[Engine]:
        """The nodes whose engines can be asked directly."""

    @property
    def entry_port(self) -> int:
        """The port on which every node takes requests."""

    def up(self) -> bool:
        """Whether there is a swarm to ask."""

    def node(self, name: str) -> Engine:
        """One of them; raises ``UsageError`` for one that cannot be asked directly."""

    def endpoints(self) -> list[Endpoint]:
        """The entry port of every node."""

    def existing(self) -> Mapping[str, Container]:
        """Containers that are nodes, by name: those of the lab on this machine."""
