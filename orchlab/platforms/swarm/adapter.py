"""The app on a Docker Swarm of several nodes, all of them on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import console, labels, sweep
from orchlab.images.registry import Registry
from orchlab.images.store import ImageStore
from orchlab.platforms.autoscaling import Policy
from orchlab.platforms.base import Release
from orchlab.platforms.capabilities import Happening
from orchlab.platforms.swarm import cluster as swarm_cluster
from orchlab.platforms.swarm import encryption as swarm_encryption
from orchlab.platforms.swarm.app import SwarmApp
from orchlab.platforms.swarm.autoscaler import Autoscaler
from orchlab.platforms.swarm.backup import Backup
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.platforms.swarm.jobs import Jobs
from orchlab.platforms.swarm.maintenance import Maintenance
from orchlab.platforms.swarm.node_faults import FleetFaults
from orchlab.platforms.watching import polling


class Swarm(SwarmApp, Maintenance, Backup, FleetFaults, Jobs):
    """Platform ``swarm``: nodes of the lab's own, each a privileged container."""

    registry: Registry

    def __init__(self, images: ImageStore, fleet: Fleet | None = None) -> None:
        self.fleet = fleet or Fleet()
        super().__init__(images, self.fleet, Registry(images))

    def prepare(self) -> None:
        """Bring the images of nodes, registry and stack into the engine."""
        for name in ("swarm-node", "registry", "redis"):
            self.images.ensure(name)
        if self.data_path == "edge":
            self.images.ensure("haproxy")

    def create(self) -> None:
        """Make the swarm, or use the one that is there; what is broken is built anew."""
        image = self.images.ensure("swarm-node")
        self.fleet.ensure_network()
        self.registry.start(self.fleet.network)
        swarm_cluster.ensure(self.fleet, image.reference, self.registry.host)

    def deploy(self, release: Release) -> None:
        """Deploy the stack; raises ``HostUnfit`` for an encryption that the kernel lacks."""
        if self.encrypted:
            swarm_encryption.require(self.fleet.manager)
        super().deploy(release)

    @contextmanager
    def autoscaled(self, policy: Policy) -> Iterator[None]:
        """Let the lab's own autoscaler set the number of replicas while the block runs."""
        self.require_places(policy.most)
        scaler = Autoscaler(lambda: self.stack, self.swarm_nodes, policy)

        def step() -> None:
            scaler.step()

        def tell(said: Happening) -> None:
            console.warn(said.subject)

        with polling(step, "autoscaler", tell, scaler.period):
            yield

    def delete(self) -> None:
        """Remove nodes, their volumes and network; the shared registry only leaves it."""
        self.fleet.remove()
        sweep.sweep(labels.LAB, self.name)
