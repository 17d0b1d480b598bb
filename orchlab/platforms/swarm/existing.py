"""The app on somebody's swarm: deployed, scaled, updated and probed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from orchlab import console
from orchlab.errors import UsageError
from orchlab.images.given_registry import GivenRegistry
from orchlab.images.store import ImageStore
from orchlab.platforms.nodes import ENTRY_PORT
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm.app import SwarmApp
from orchlab.platforms.swarm.context import Address, ExistingNodes, find, reach
from orchlab.platforms.swarm.files import ENTRY_PORT_LABEL, DataPath
from orchlab.platforms.swarm.members import STORE_LABEL
from orchlab.platforms.swarm.stack import Stack


class ExistingSwarm(SwarmApp):
    """A swarm that a docker context or an address names. Its nodes are not the lab's.

    So it has no faults: neither ``NodeFaults`` nor those of processes and of Redis,
    for which a node's engine would have to be asked behind the swarm's back.
    """

    refusal = "its nodes are not the lab's own: whoever runs them would lose more than this app"

    def __init__(
        self,
        images: ImageStore,
        address: Address,
        registry_address: str = "",
        entry_port: int = ENTRY_PORT,
    ) -> None:
        manager = reach(address)
        nodes = ExistingNodes(manager, address.host, _published_port(Stack(manager)) or entry_port)
        super().__init__(images, nodes, GivenRegistry(images, registry_address))
        self.address = address

    def detected_data_path(self) -> DataPath:
        """What this kernel can do, where the engine is here; elsewhere kernels have IPVS."""
        return super().detected_data_path() if self.address.here else "mesh"

    def prepare(self) -> None:
        """Bring the images of the stack into the engine here, from which they are pushed."""
        self.images.ensure("redis")
        if self.data_path == "edge":
            self.images.ensure("haproxy")

    def create(self) -> None:
        """Make nothing; choose where Redis and its volume live unless somebody has."""
        members = swarm_members.listed(self.swarm_nodes.manager)
        if not any(each.store for each in members):
            name = self.swarm_nodes.manager.name
            swarm_members.label_store(self.swarm_nodes, [name])
            console.note(f"{name} is labelled {STORE_LABEL}=true")

    def delete(self) -> None:
        """Remove the app, its data and its label; nodes keep the images that they pulled.

        The volume of a Redis that lives on a node out of reach stays, and that is said.
        """
        manager = self.swarm_nodes.manager
        self.undeploy()
        for each in swarm_members.listed(manager):
            if not each.store:
                continue
            swarm_members.change(self.swarm_nodes, each.id, Labels={STORE_LABEL: None})
            if each.name != manager.name:
                volume = f"{self.stack.name}_redis-data"
                console.warn(f"on {each.name} the volume {volume} stays: remove it there")


def _published_port(stack: Stack) -> int | None:
    """The port of what is deployed already; None when nothing is."""
    web = stack.find("web")
    return int(web["Spec"]["Labels"][ENTRY_PORT_LABEL]) if web else None


def named(
    context: str, host: str, registry_address: str = "", port: int = 0
) -> Callable[[ImageStore], ExistingSwarm] | None:
    """The adapter of the swarm that a context or an address names; None if neither is given.

    It connects when it is made. Raises what ``find`` raises, and ``UsageError`` for
    what only such a swarm can be told.
    """
    address = find(context, host)
    if address is None:
        if registry_address or port:
            hint = "name a Swarm with --context or --host; the lab's own has a registry and ports"
            raise UsageError("--registry and --port are for a Swarm elsewhere", hint)
        return None
    return lambda images: ExistingSwarm(images, address, registry_address, port or ENTRY_PORT)
