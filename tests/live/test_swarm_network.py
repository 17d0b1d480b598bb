"""Ways to the app on a Swarm and inside it: names, ports, connections, overlays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import pytest
import requests

from orchlab import labels, shell
from orchlab.errors import CommandFailed, HostUnfit
from orchlab.platforms.base import Platform, Release
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import encryption as swarm_encryption
from orchlab.platforms.swarm.adapter import Swarm

pytestmark = pytest.mark.only("swarm")

TIMED_OUT = 124
"""What `timeout` exits with when it had to end a command."""

VXLAN = ("INPUT", "-p", "udp", "--dport", "4789")


@pytest.fixture
def swarm(platform: Platform) -> Swarm:
    """The adapter with all that it can do beyond a platform."""
    return cast("Swarm", platform)


def test_names_resolve_on_every_node(swarm: Swarm, release: Release) -> None:
    """`tasks.web` is every replica; `web` is those, or one virtual address before them."""
    expected = 1 if swarm.data_path == "mesh" else release.replicas
    for node in swarm.fleet.members:
        with swarm.stranger(release.image, node.name) as stranger:
            assert len(addresses(stranger.run, "tasks.web")) == release.replicas
            assert len(addresses(stranger.run, "web")) == expected


def addresses(inside: Callable[..., str], name: str) -> set[str]:
    """What a name means to a command that is run ``inside`` a container."""
    return {line.split()[0] for line in inside("getent", "ahosts", name).splitlines()}


def test_requests_on_kept_connections_spread(swarm: Swarm, release: Release) -> None:
    """The edge gives each request a turn; IPVS, which sees no requests, each connection."""
    met: list[set[str]] = []
    for entry in swarm.endpoints() * release.replicas:
        with requests.Session() as kept:
            asked = [
                kept.get(f"{entry.url}/whoami", timeout=5) for _ in range(3 * release.replicas)
            ]
        met.append({each.json()["replica"] for each in asked})
    assert len(set().union(*met)) == release.replicas
    assert {len(each) for each in met} == {1 if swarm.data_path == "mesh" else release.replicas}


def test_what_crosses_nodes_goes_through_the_overlay(swarm: Swarm) -> None:
    """Answers of replicas elsewhere arrive as VXLAN packets, counted where they come in."""
    entry = swarm.endpoints()[0]
    node = swarm.fleet.node(entry.node)
    with counted(node) as packets:
        headers = {"Connection": "close"}
        asked = [
            requests.get(f"{entry.url}/whoami", headers=headers, timeout=5).json()["node"]
            for _ in range(30)
        ]
        elsewhere = sum(each != node.name for each in asked)
        assert elsewhere
        assert packets() >= elsewhere


@contextmanager
def counted(node: Node) -> Iterator[Callable[[], int]]:
    """Count the VXLAN packets that reach a node, by a rule that decides nothing."""
    iptables = ["docker", "exec", node.name, "iptables", "-w"]
    shell.run([*iptables, "-I", *VXLAN])
    try:
        yield lambda: int(
            shell.run([*iptables, "-n", "-v", "-x", "-L", "INPUT", "1"], echo=False).split()[0]
        )
    finally:
        shell.run([*iptables, "-D", *VXLAN])


def test_encryption_is_refused_exactly_where_it_would_lose_packets(
    swarm: Swarm, release: Release
) -> None:
    """What the kernel is asked for agrees with what happens to packets between nodes."""
    refused = False
    try:
        swarm_encryption.require(swarm.fleet.manager)
    except HostUnfit:
        refused = True
        swarm.encrypted = True
        with pytest.raises(HostUnfit):
            swarm.deploy(release)
    finally:
        swarm.encrypted = False
    assert crosses_nodes(swarm, encrypted=False)
    assert crosses_nodes(swarm, encrypted=True) is not refused


def crosses_nodes(swarm: Swarm, *, encrypted: bool) -> bool:
    """Whether a container reaches one on another node through an overlay of their own."""
    here, there = swarm.fleet.manager, swarm.fleet.members[-1]
    name = f"{swarm.stack.name}-{'encrypted' if encrypted else 'open'}"
    image = swarm.registry.reference(swarm.images.ensure("redis"))
    options = ["--attachable", *labels.flags(), *(["--opt=encrypted"] if encrypted else [])]
    start = ["docker", "run", "--rm", *labels.flags(), f"--network={name}"]
    swarm.stack.run("network", "create", "--driver=overlay", *options, name)
    try:
        shell.run([*start, "--detach", f"--name={name}", image], env=there.environment)
        ping = ["timeout", "5", "redis-cli", "-h", name, "ping"]
        return "PONG" in shell.run([*start, image, *ping], env=here.environment)
    except CommandFailed as error:
        if error.exit_status != TIMED_OUT:
            raise
        return False
    finally:
        shell.run(["docker", "rm", "--force", name], env=there.environment)
        swarm.stack.run("network", "rm", name)
