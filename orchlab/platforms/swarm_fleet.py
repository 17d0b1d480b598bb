"""All nodes of the lab's swarm, on a network of their own."""

from __future__ import annotations

import ipaddress
import itertools
import shutil

import docker
from docker import DockerClient
from docker.errors import APIError
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from orchlab import labels, paths
from orchlab.errors import HostUnfit
from orchlab.parallel import in_parallel
from orchlab.platforms.nodes import PLATFORM, Node, await_engine, create

SUBNETS = [f"198.18.{third}.0/24" for third in range(64)]
"""Candidates for the nodes' network. 198.18.0.0/15 is set aside for benchmarks (RFC
2544), so neither Swarm's overlays (10.0.0.0/8) nor the bridges that engines choose
by themselves (172.16.0.0/12, 192.168.0.0/16) nor a local network overlap it."""

FIRST_HOST = 10
"""Nodes have fixed addresses from here; the engine hands out the upper half itself."""


class Fleet:
    """All nodes of the lab's swarm, managers first, on a network of their own."""

    def __init__(self, managers: int = 1, workers: int = 2) -> None:
        self.managers, self.workers = managers, workers
        self.network = f"{labels.LAB}-{PLATFORM}"

    @property
    def all(self) -> list[Node]:
        """The nodes that are wanted, with their addresses on the network, which must exist."""
        network = docker.from_env().networks.get(self.network)
        subnet = ipaddress.IPv4Network(network.attrs["IPAM"]["Config"][0]["Subnet"])
        hosts = (str(subnet[host]) for host in itertools.count(FIRST_HOST))
        managers = [Node("manager", n, next(hosts)) for n in range(1, self.managers + 1)]
        return managers + [Node("worker", n, next(hosts)) for n in range(1, self.workers + 1)]

    @property
    def manager(self) -> Node:
        """The first manager: where the swarm begins and where commands go."""
        return self.all[0]

    def existing(self) -> dict[str, Container]:
        """Containers of nodes by name, whether they run or not."""
        found = docker.from_env().containers.list(all=True, filters={**labels.selector(PLATFORM)})
        return {str(each.name): each for each in found}

    def ensure_network(self) -> None:
        """Make the nodes' network; raises ``HostUnfit`` when no subnet is free."""
        client = docker.from_env()
        if any(each.name == self.network for each in client.networks.list(names=[self.network])):
            return
        for subnet in SUBNETS:
            try:
                _create_network(client, self.network, ipaddress.IPv4Network(subnet))
            except APIError as error:
                if "overlap" not in str(error):
                    raise
            else:
                return
        raise HostUnfit(
            f"no free subnet for the network {self.network}",
            "`docker network ls` shows the networks in the way; `invoke clean` removes the lab's",
        )

    def create(self, image: str, registry: str) -> None:
        """Make and start all nodes at once; they trust ``registry`` without TLS."""
        in_parallel(lambda node: create(node, self.network, image, registry), self.all)
        self.await_engines()

    def start(self) -> None:
        """Start the nodes that do not run, such as after the engine was killed."""
        dead = [each for each in self.existing().values() if each.status != "running"]
        in_parallel(lambda container: container.start(), dead)
        self.await_engines()

    def await_engines(self) -> None:
        """Return when every node's engine answers; raises ``WaitTimeout``."""
        in_parallel(await_engine, self.all)

    def remove(self) -> None:
        """Remove nodes with all that is on them; the network stays."""
        client = docker.from_env()
        in_parallel(lambda each: each.remove(v=True, force=True), self.existing().values())
        for volume in client.volumes.list(filters=labels.selector(PLATFORM)):
            volume.remove()
        shutil.rmtree(paths.lab_dir() / PLATFORM, ignore_errors=True)


def _create_network(client: DockerClient, name: str, subnet: ipaddress.IPv4Network) -> Network:
    pool = IPAMPool(subnet=str(subnet), iprange=str(list(subnet.subnets())[1]))
    return client.networks.create(
        name, driver="bridge", labels=labels.labels(PLATFORM), ipam=IPAMConfig(pool_configs=[pool])
    )
