"""What the lab breaks of a whole Swarm node: its power, and its network to the others."""

from __future__ import annotations

from contextlib import closing

from orchlab import console, shell
from orchlab.parallel import in_parallel
from orchlab.platforms import partition, power
from orchlab.platforms.base import ClusterNode
from orchlab.platforms.nodes import Node, await_engine
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.wait import wait_until

JOINED_SECONDS = 10.0


class FleetFaults:
    """Faults of nodes that are containers of the lab: here the container is the machine."""

    fleet: Fleet

    def nodes(self) -> list[ClusterNode]:
        """What the swarm's managers say of each node, managers first."""
        listed = {each.name: each for each in swarm_members.listed(self.fleet.manager)}
        found = ((node, listed.get(node.name)) for node in self.fleet.members)
        return [
            ClusterNode(
                name=node.name,
                control=node.role == "manager",
                leader=member is not None and member.leader,
                ready=member is not None and member.state == "ready",
            )
            for node, member in found
        ]

    def stop(self, node: str) -> None:
        """SIGKILL a node's container with all that runs on it; raises unless it is off."""
        power.cut(self.fleet.node(node).container())

    def start(self, node: str) -> None:
        """Start a node's container; returns when the swarm counts on the node again."""
        chosen = self.fleet.node(node)
        with console.step(f"swarm: start {node}"):
            shell.run(["docker", "start", node])
            await_engine(chosen)
            wait_until(f"{node} in the swarm", lambda: _joined(chosen), timeout=JOINED_SECONDS)
            swarm_members.await_ready(self.fleet, [node])

    def cut(self, node: str) -> None:
        """Drop all traffic between a node and the others; raises unless some was dropped."""
        chosen = self.fleet.node(node)
        partition.cut(node, [each.address for each in self.fleet.members if each != chosen])

    def mend(self) -> None:
        """Undo every cut on the nodes that run; one that is started anew has none."""
        existing = self.fleet.existing()
        names = [each.name for each in self.fleet.members]
        in_parallel(partition.mend, (each for each in names if existing[each].status == "running"))


def _joined(node: Node) -> bool:
    """Whether the node's own engine takes itself for a member."""
    with closing(node.client()) as client:
        return str(client.info()["Swarm"]["LocalNodeState"]) == "active"
