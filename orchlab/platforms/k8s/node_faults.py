"""What the lab breaks of a whole kind node: its power, and its network to the others."""

from __future__ import annotations

from orchlab import console, shell
from orchlab.parallel import in_parallel
from orchlab.platforms import partition, power
from orchlab.platforms.base import ClusterNode
from orchlab.platforms.k8s import kind
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s import objects as k8s_objects
from orchlab.platforms.k8s.running import Running


class ClusterFaults(Running):
    """Faults of nodes that are containers of the lab: here the container is the machine."""

    def nodes(self) -> list[ClusterNode]:
        """What the API server says of each node, control planes first.

        The leader is the one whose controllers act. Of several, nobody is it from the
        loss of one until another has taken its lease, 15 s later.
        """
        found = {str(each.name): each.labels.get(k8s_nodes.ROLE) for each in k8s_nodes.nodes()}
        control = [name for name, role in found.items() if role == k8s_nodes.CONTROL_PLANE]
        listed = {each.metadata.name: each for each in self.control.api.nodes()}
        leader = self.control.api.leader() if len(control) > 1 else control[0]
        return [
            ClusterNode(
                name=name,
                control=name in control,
                leader=name == leader,
                ready=name in listed and k8s_objects.condition(listed[name], "Ready"),
            )
            for name in found
        ]

    def stop(self, node: str) -> None:
        """SIGKILL a node's container with all that runs on it; raises unless it is off."""
        power.cut(k8s_nodes.node(node))

    def start(self, node: str) -> None:
        """Start a node's container; returns when the cluster counts on the node again."""
        k8s_nodes.node(node)
        with console.step(f"k8s: start {node}"):
            shell.run(["docker", "start", node])
            kind.await_nodes(kind.READY_S, [node])

    def cut(self, node: str) -> None:
        """Drop all traffic between a node and the others; raises unless some was dropped."""
        k8s_nodes.node(node)
        partition.cut(node, k8s_nodes.peers(node))

    def mend(self) -> None:
        """Undo every cut on the nodes that run; one that is started anew has none."""
        in_parallel(partition.mend, k8s_nodes.running())

    def forget_attempts(self) -> None:
        """kube-proxy removes the rule that leads to a pod, and nobody what was led by it."""
        k8s_nodes.forget_attempts()
