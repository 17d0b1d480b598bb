"""The lab's own swarm nodes, on a network of their own."""

from __future__ import annotations

import ipaddress
import shutil
from collections.abc import Iterable

import docker
from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from orchlab import labels, paths
from orchlab.errors import HostUnfit, OrchlabError, UnknownName, UsageError
from orchlab.parallel import in_parallel
from orchlab.platforms import node_container
from orchlab.platforms.base import Endpoint
from orchlab.platforms.nodes import (
    ENTRY_PORT,
    PLATFORM,
    Node,
    Role,
    await_engine,
    identify,
    leads,
    place,
)
from orchlab.wait import wait_until

SUBNETS = [f"198.18.{third}.0/24" for third in range(64)]
"""Candidates for the nodes' network. 198.18.0.0/15 is set aside for benchmarks (RFC
2544), so neither Swarm's overlays (10.0.0.0/8) nor the bridges that engines choose
by themselves (172.16.0.0/12, 192.168.0.0/16) nor a local network overlap it."""

MANAGERS = (1, 3)
"""One, or as many as survive the loss of one; more would only add votes to wait for."""
MOST_WORKERS = 100
DEFAULT_SIZE = (1, 2)
ELECTION_SECONDS = 60.0
"""A leader that vanished is replaced after 10 to 20 s; two lost elections are possible."""


class Fleet:
    """All nodes of the lab's swarm, managers first, on a network of their own.

    A number that is not given is that of the nodes that exist, or else of one
    manager and two workers. Raises ``UsageError`` for a size that makes no sense.
    """

    entry_port = ENTRY_PORT

    def __init__(self, managers: int | None = None, workers: int | None = None) -> None:
        if managers not in (None, *MANAGERS):
            hint = "1 decides alone, 3 go on when one of them is lost"
            raise UsageError(f"a swarm of {managers} managers is not offered", hint)
        if workers is not None and not 0 <= workers <= MOST_WORKERS:
            raise UsageError(f"{workers} workers are not possible", f"0 to {MOST_WORKERS} are")
        self.managers, self.workers = managers, workers
        self.network = f"{labels.LAB}-{PLATFORM}"

    @property
    def all(self) -> list[Node]:
        """The nodes that are wanted, with their addresses on the network, which must exist."""
        subnet = self._subnet()
        present = [role for role, _ in self._identities()]
        found = (present.count("manager"), present.count("worker")) if present else DEFAULT_SIZE
        managers = found[0] if self.managers is None else self.managers
        workers = found[1] if self.workers is None else self.workers
        return [place("manager", n, subnet) for n in range(1, managers + 1)] + [
            place("worker", n, subnet) for n in range(1, workers + 1)
        ]

    @property
    def members(self) -> list[Node]:
        """The nodes that exist, whether they run or not, managers first."""
        identities = self._identities()
        subnet = self._subnet() if identities else None
        return [place(role, number, subnet) for role, number in identities if subnet]

    @property
    def manager(self) -> Node:
        """A manager that can carry out commands: the first one that knows a leader.

        Waits for an election. Raises ``OrchlabError`` at once when too few managers
        run for one, and ``WaitTimeout``.
        """
        managers = [node for node in self.members or self.all if node.role == "manager"]
        if len(managers) == 1:
            return managers[0]
        return wait_until(
            "a swarm manager that knows a leader",
            lambda: self._leading(managers),
            timeout=ELECTION_SECONDS,
            hint="`invoke swarm-up` starts the nodes that do not run",
        )

    def up(self) -> bool:
        """Whether any node exists."""
        return bool(self.existing())

    def node(self, name: str) -> Node:
        """A node by its name; raises ``UnknownName``, which lists the names there are."""
        members = {each.name: each for each in self.members}
        if name not in members:
            raise UnknownName("node", name, members)
        return members[name]

    def endpoints(self) -> list[Endpoint]:
        """The entry port of every node on 127.0.0.1, read back; a stopped node keeps its own."""
        return [node.endpoint() for node in self.all]

    def existing(self) -> dict[str, Container]:
        """Containers of nodes by name, whether they run or not."""
        found = docker.from_env().containers.list(all=True, filters={**labels.selector(PLATFORM)})
        return {str(each.name): each for each in found if identify(str(each.name))}

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

    def create(self, nodes: Iterable[Node], image: str, registry: str) -> None:
        """Make and start nodes at once; they trust ``registry`` without TLS.

        A volume that outlived its node, removed by hand, belongs to another swarm and goes.
        """
        made = list(nodes)
        self.remove([node.name for node in made])
        in_parallel(lambda node: node_container.create(node, self.network, image, registry), made)
        in_parallel(await_engine, made)

    def start(self) -> None:
        """Start the nodes that do not run, such as after the engine was killed.

        Returns when every engine answers; raises ``WaitTimeout``.
        """
        dead = [each for each in self.existing().values() if each.status != "running"]
        in_parallel(lambda container: container.start(), dead)
        in_parallel(await_engine, self.members)

    def remove(self, names: Iterable[str] | None = None) -> None:
        """Remove nodes with all that is on them, all of them unless named; the network stays."""
        existing = self.existing()
        wanted = set(existing) if names is None else set(names)
        gone = [container for name, container in existing.items() if name in wanted]
        in_parallel(lambda each: each.remove(v=True, force=True), gone)
        for volume in docker.from_env().volumes.list(filters=labels.selector(PLATFORM)):
            if names is None or volume.name in wanted:
                volume.remove()
        if names is None:
            shutil.rmtree(paths.lab_dir() / PLATFORM, ignore_errors=True)

    def _subnet(self) -> ipaddress.IPv4Network:
        try:
            network = docker.from_env().networks.get(self.network)
        except NotFound:
            raise OrchlabError("no swarm is up", "`invoke swarm-up` makes one") from None
        return ipaddress.IPv4Network(network.attrs["IPAM"]["Config"][0]["Subnet"])

    def _identities(self) -> list[tuple[Role, int]]:
        return sorted(found for name in self.existing() if (found := identify(name)))

    def _leading(self, managers: list[Node]) -> Node | None:
        up = {name for name, each in self.existing().items() if each.status == "running"}
        running = [node for node in managers if node.name in up]
        if 2 * len(running) <= len(managers):
            raise OrchlabError(
                f"{len(running)} of {len(managers)} managers run: too few to elect a leader",
                "`invoke swarm-up` starts the others",
            )
        return next((node for node in running if leads(node)), None)


def _create_network(client: DockerClient, name: str, subnet: ipaddress.IPv4Network) -> Network:
    pool = IPAMPool(subnet=str(subnet), iprange=str(list(subnet.subnets())[1]))
    return client.networks.create(
        name, driver="bridge", labels=labels.labels(PLATFORM), ipam=IPAMConfig(pool_configs=[pool])
    )
