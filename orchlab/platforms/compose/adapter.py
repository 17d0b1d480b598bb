"""Compose: one engine, one host, the app in either variant of ``stacks/compose*.yaml``.

================================  ====================================================
``stack``                         the stack files, what they leave open, read back
``ports``                         ports on 127.0.0.1 that stay the same
``files``                         key and configurations that containers mount
``project``                       the project in the engine; ``docker compose``
``running``                       replicas, entry points
``operations``                    scale, update, roll back, status, logs, down
``update``                        how an update goes, in either variant
``faults``                        faults of a process, a new Redis
``backup``                        where the data are, for a helper container
``strangers``                     containers that are no part of the app
``jobs``                          an agent that runs to its end
``dev``                           the app as somebody edits it
``network_modes``                 Docker's networks without Compose
``watch``                         what the engine says of the containers
``logs``                          what is kept of containers that are gone tomorrow
``health``, ``facts``, ``status``  pure: what is said of containers
================================  ====================================================
"""

from __future__ import annotations

from pathlib import Path

from orchlab import console, labels, shell, sweep
from orchlab.images.store import Image
from orchlab.names import pick
from orchlab.platforms.base import HARDENED, Facts, Release
from orchlab.platforms.compose import facts as read
from orchlab.platforms.compose import files, logs, ports
from orchlab.platforms.compose.backup import Backup
from orchlab.platforms.compose.jobs import Jobs
from orchlab.platforms.compose.network_modes import NetworkModes
from orchlab.platforms.compose.operations import Operations, require_room
from orchlab.platforms.compose.project import UP, execute
from orchlab.platforms.compose.stack import FILES, Deployment
from orchlab.platforms.compose.strangers import Strangers
from orchlab.platforms.compose.watch import Watch


class Compose(Operations, Backup, Strangers, NetworkModes, Watch, Jobs):
    """The app as a Compose project named like the lab.

    ``port`` is the first one on 127.0.0.1 that a deployment publishes; 0 takes free ones.
    ``elsewhere``: address of the engine if it is another host's.
    """

    variants = tuple(FILES)

    def prepare(self) -> None:
        """Bring the images that the stack needs into the engine."""
        for name in ("redis", "haproxy"):
            self.images.ensure(name)

    def create(self) -> None:
        """Do nothing: the engine is the one node."""

    def publish(self, image: Image) -> None:
        """Do nothing: the one node is the engine that has the image already."""

    def deploy(self, release: Release) -> None:
        """Run a release; returns when every replica has answered.

        A stack of the other variant is taken down first; its data stay. Raises
        ``UsageError`` for an unknown variant or a port that is taken, ``CommandFailed``
        when a container that others wait for does not become healthy, ``OrchlabError`` when
        one ended and ``WaitTimeout`` when a replica cannot be reached.
        """
        pick("variant", release.variant, FILES)
        found, before = self.project.found(), self.project.variant()
        wanted = self._wanted(release, found)
        require_room(wanted)
        title = f"{wanted.variant}, {wanted.replicas} x {wanted.image}"
        with console.step(f"compose: {title}"):
            if before not in ("", wanted.variant):
                self.project.compose(before, "down", "--remove-orphans")
            if self.project.elsewhere and wanted.variant == HARDENED:
                files.ship(wanted.image)
            self.project.apply(wanted, *UP, "--remove-orphans")
            self.await_serving(wanted.replicas)
        self.show_way_in()

    def facts(self) -> Facts:
        """Versions, data path, timers and knobs in force, as the engine reports them."""
        containers = {name: self.project.containers(name) for name in ("web", "redis", "edge")}
        redis, edge = self.project.only("redis"), containers["edge"]
        engine = self.project.client.version()
        compose = shell.run(["docker", "compose", "version", "--short"], echo=False)
        versions = {
            "docker engine": engine["Version"],
            "compose": compose.strip(),
            "redis": read.first_version(execute(redis, "redis-server", "--version")),
            "kernel": engine["KernelVersion"],
        }
        if edge:
            versions["haproxy"] = read.first_version(execute(edge[0], "haproxy", "-v"))
        fsync = execute(redis, "redis-cli", "CONFIG", "GET", "appendfsync")
        variant = self.project.deployment().variant
        knobs = read.knobs(self.project.only("web").attrs, files.EDGE_CONFIG.read_text(), variant)
        knobs["redis appendfsync"] = read.append_fsync(fsync)
        return Facts(versions, read.DATA_PATHS[variant], knobs)

    def collect_logs(self, into: Path) -> None:
        """Each container's log as ``<name>.log``, ``states.json`` and ``events.txt``."""
        logs.collect(self.project.containers(), labels.selector(self.name)["label"], into)

    def undeploy(self) -> None:
        """Remove the app, its networks and its data."""
        self.down(volumes=True)

    def delete(self) -> None:
        """Remove everything that carries this platform's label, even without its file."""
        sweep.sweep(labels.LAB, self.name)

    def _wanted(self, release: Release, found: Deployment | None) -> Deployment:
        """Everything that the stack file leaves open; what need not change is kept."""
        image = release.image.reference
        bare = Deployment(release.variant, image, release.replicas)
        port = ports.block(self.port, bare.entries) if self.port else ""
        previous = ""
        if found is not None:
            previous = found.previous if found.image == image else found.image
            if found.variant == release.variant:
                port = port or ports.kept(found.port, bare.entries)
        return Deployment(
            variant=release.variant,
            image=image,
            replicas=release.replicas,
            port=port or ports.free_block(bare.entries),
            previous=previous,
            redis=self.images.ensure("redis").reference,
            haproxy=self.images.ensure("haproxy").reference,
        )
