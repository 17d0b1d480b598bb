"""What every platform can do, and what some can.

``Platform`` is required. The other protocols, here and in ``capabilities``, are
capabilities: an experiment names those it needs, and a platform without one yields
an ``unsupported`` finding. ``isinstance`` works on all of them; mypy checks the
signatures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from orchlab.images.store import Image, ImageStore

REPLICAS = 3


DEFAULTS = "defaults"
HARDENED = "hardened"


@dataclass(frozen=True, slots=True)
class Release:
    """What to deploy: the app image, how many replicas of it, and in which variant.

    ``defaults`` is what a beginner writes, every knob left alone; ``hardened`` is
    what the lab recommends.
    """

    image: Image
    replicas: int = REPLICAS
    variant: str = DEFAULTS


@dataclass(frozen=True, slots=True)
class Rollout:
    """How an update or a rollback ended.

    ``outcome``: ``updated`` when every replica runs what was asked for,
    ``rolled-back`` when the platform, or the lab for it, went back to what ran
    before. ``image`` is the reference that runs now, ``reason`` why it was undone.
    """

    outcome: Literal["updated", "rolled-back"]
    image: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Something to show: a title, column names and rows of plain text."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Replica:
    """One running copy of the app, as the platform reports it.

    ``name`` equals what the app answers on ``/whoami`` as ``replica`` (its host
    name). ``id`` is the platform's own identity of this incarnation: a restarted
    process in the same slot has a new ``id``. ``image`` is the reference that it runs.
    """

    name: str
    id: str
    node: str
    ready: bool
    image: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a client outside enters: an entry node and a URL on 127.0.0.1."""

    node: str
    url: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What was in force: printed beside every number.

    ``versions`` program -> version; ``data_path`` one line on how a request
    travels; ``knobs`` name -> value of every timer and setting that matters, as
    the platform reports it (a default is marked "(default)").
    """

    versions: dict[str, str]
    data_path: str
    knobs: dict[str, str] = field(default_factory=dict)


@runtime_checkable
class Platform(Protocol):
    """One orchestrator. Every method is idempotent unless it says otherwise.

    ``variants`` are those that ``deploy`` knows, ``defaults`` first; ``images`` is where
    its images come from.
    """

    name: str
    variants: tuple[str, ...]
    images: ImageStore

    def prepare(self) -> None:
        """Bring every image and program that the platform needs to this machine."""

    def create(self) -> None:
        """Make the nodes or the cluster; returns when they are ready."""

    def publish(self, image: Image) -> None:
        """Make an image available to every node."""

    def deploy(self, release: Release) -> None:
        """Run a release; returns when every replica serves."""

    def replicas(self) -> list[Replica]:
        """A snapshot of the app's replicas; never waits."""

    def endpoints(self) -> list[Endpoint]:
        """One per entry node."""

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command inside a replica and return its stdout."""

    def facts(self) -> Facts:
        """Versions, data path, timers and knobs in force."""

    def collect_logs(self, into: Path) -> None:
        """Write the platform's logs as files below ``into``."""

    def undeploy(self) -> None:
        """Remove the app and its data; nodes or cluster stay."""

    def delete(self) -> None:
        """Remove everything this platform made, found by label."""


@runtime_checkable
class ReplicaFaults(Protocol):
    """Faults of one replica's process, injected from outside its container."""

    def crash(self, replica: Replica) -> None:
        """SIGKILL the app process; raises unless it is verifiably gone."""


@runtime_checkable
class HangFaults(Protocol):
    """A process that lives and does nothing: worse than a dead one, since nobody is told."""

    def hang(self, replica: Replica) -> None:
        """SIGSTOP the app process from outside; raises unless it is verifiably stopped."""

    def resume(self, replica: Replica) -> None:
        """SIGCONT it; a replica that was replaced meanwhile is no error."""


@runtime_checkable
class StoreFaults(Protocol):
    """Faults of the Redis that holds the app's data."""

    def recreate_store(self) -> None:
        """Replace the Redis container by a new one; returns when the app reaches that one."""


@runtime_checkable
class StoreCrash(Protocol):
    """A Redis that ends without notice, and can be asked what it promised."""

    def crash_store(self) -> None:
        """SIGKILL Redis from outside its container; raises unless it is verifiably gone.

        Whether it comes back is left to the platform.
        """

    def ask_store(self, *commands: str) -> list[str]:
        """Send commands over one connection; the lines of all their answers.

        Raises ``CommandFailed`` when Redis cannot be reached.
        """


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """One machine of a platform, as its control plane sees it.

    ``control``: it takes part in deciding; ``leader``: it is the one that decides
    now (on a control plane of one, that one). ``ready``: the control plane counts
    on it.
    """

    name: str
    control: bool
    leader: bool
    ready: bool


@runtime_checkable
class NodeFaults(Protocol):
    """Faults of a whole machine: of its power, and of its network to the other machines."""

    def nodes(self) -> list[ClusterNode]:
        """A snapshot of the machines; waits only for a control plane that elects a leader."""

    def store_node(self) -> str:
        """The machine that Redis runs on, and its volume is on; empty if it runs nowhere."""

    def stop(self, node: str) -> None:
        """Cut a machine's power: SIGKILL to all that is on it; raises unless it is off."""

    def start(self, node: str) -> None:
        """Turn it on again; returns when the control plane counts on it. Idempotent."""

    def cut(self, node: str) -> None:
        """Drop all traffic between it and the other machines; raises unless some was dropped.

        Clients still reach its entry point.
        """

    def mend(self) -> None:
        """Undo every cut; returns at once. Idempotent."""


@runtime_checkable
class Scalable(Protocol):
    """A running release whose number of replicas can be changed."""

    def scale(self, replicas: int) -> None:
        """Run that many; returns when all of them serve. Raises ``WaitTimeout``."""


@runtime_checkable
class Updatable(Protocol):
    """A running release that can move to another image and back.

    Variant and number of replicas stay. The image must have been published.
    """

    def update(self, image: Image) -> Rollout:
        """Move to ``image``; returns when that, or the way back, is done."""

    def rollback(self) -> Rollout:
        """Go back to what ran before the last update; raises ``OrchlabError`` if nothing did."""


@runtime_checkable
class Drainable(Protocol):
    """Nodes that can be emptied for maintenance: announced, so nothing need be lost."""

    def drain(self, node: str) -> None:
        """Move every replica off a node; returns when all of them serve elsewhere.

        Raises ``UnknownName`` for another name, ``WaitTimeout`` when the rest cannot take them.
        """

    def activate(self, node: str) -> None:
        """Let a drained node take replicas again. No platform moves any back by itself."""


@runtime_checkable
class Guarded(Protocol):
    """A platform that lacks capabilities on purpose: it is somebody's."""

    refusal: str
    """Why, for a person."""


@runtime_checkable
class Observable(Protocol):
    """What a person asks of something that runs."""

    def status(self) -> list[Table]:
        """What runs, where, since when, and what went wrong lately; changes nothing."""

    def follow_logs(self, *, follow: bool, tail: int) -> None:
        """Print the last ``tail`` lines of the app's logs; with ``follow`` go on until Ctrl-C."""
