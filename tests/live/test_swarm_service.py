"""The app as a Swarm service: changed under load, broken, and looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

import pytest
import requests

from orchlab import credentials, labels, shell
from orchlab.errors import CommandFailed, HostUnfit, OrchlabError, UnknownName
from orchlab.images.store import Image
from orchlab.platforms.base import Platform, Release, Replica
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import encryption as swarm_encryption
from orchlab.platforms.swarm.adapter import Swarm
from orchlab.wait import wait_until
from tests.live.replicas import NoLoss, identities

pytestmark = pytest.mark.only("swarm")

STARTED_S = 60.0

TIMED_OUT = 124
"""What `timeout` exits with when it had to end a command."""

VXLAN = ("INPUT", "-p", "udp", "--dport", "4789")


@pytest.fixture
def swarm(platform: Platform) -> Swarm:
    """The adapter with all that it can do beyond a platform."""
    return cast("Swarm", platform)


def test_an_image_that_does_not_exist_is_rolled_back(
    swarm: Swarm, release: Release, no_loss: NoLoss
) -> None:
    """A tag that no registry has: no old replica stops for it, and nothing is to be undone."""
    swarm.deploy(release)
    before = identities(swarm)
    with no_loss():
        rollout = swarm.update(Image("orchlab/app:missing", ""))
    assert rollout.outcome == "rolled-back"
    assert "No such image" in rollout.reason
    assert identities(swarm) == before
    with pytest.raises(OrchlabError, match="nothing ran before"):
        swarm.rollback()


def test_a_drain_loses_nothing(swarm: Swarm, release: Release, no_loss: NoLoss) -> None:
    """Every replica moves off a worker; what enters through the other nodes is all served."""
    held = next(each.node for each in swarm.stack.tasks("redis"))
    worker = next(each.node for each in swarm.replicas() if each.node != held)
    try:
        with no_loss(without=worker):
            swarm.drain(worker)
            replicas = swarm.replicas()
        assert sum(each.ready for each in replicas) == release.replicas
        assert worker not in {each.node for each in replicas}
        if swarm.data_path == "edge":
            assert worker not in {each.node for each in swarm.endpoints()}
    finally:
        swarm.activate(worker)
    assert worker in {each.node for each in swarm.endpoints()}
    with pytest.raises(OrchlabError, match="volume of Redis"):
        swarm.drain(held)
    with pytest.raises(UnknownName):
        swarm.drain("nowhere")


def test_a_key_is_rotated_without_a_failure(
    swarm: Swarm, release: Release, no_loss: NoLoss
) -> None:
    """Every replica then knows the new key and none the old one, whose secret is gone."""
    old = credentials.api_key_file().read_text()
    with no_loss():
        assert swarm.rotate_key().outcome == "updated"
    new = credentials.api_key_file().read_text()
    assert new != old
    assert {status(swarm, new) for _ in range(2 * release.replicas)} == {200}
    assert {status(swarm, old) for _ in range(2 * release.replicas)} == {401}
    with swarm.stack.api() as client:
        secrets = [each.name for each in client.secrets.list(filters=swarm.stack.chosen)]
    assert len(secrets) == 1
    before = identities(swarm)
    swarm.deploy(release)
    assert identities(swarm) == before


def status(swarm: Swarm, key: str) -> int:
    url = f"{swarm.endpoints()[0].url}/status"
    return requests.get(
        url, headers={"X-API-Key": key, "Connection": "close"}, timeout=5
    ).status_code


def test_the_edge_and_the_owner_of_its_port_are_replaced_without_a_failure(
    swarm: Swarm, no_loss: NoLoss
) -> None:
    """On every node, under load: a port of the host alone would have to be given up first."""
    if swarm.data_path == "mesh":
        assert {each["Spec"]["Name"] for each in swarm.stack.services()} == {
            f"{swarm.stack.name}_{name}" for name in ("web", "redis")
        }
        return
    before = {each.id for name in ("edge", "port") for each in swarm.stack.tasks(name)}
    with no_loss():
        for name in ("edge", "port"):
            swarm.stack.run(
                "service", "update", "--force", "--detach", f"{swarm.stack.name}_{name}"
            )
        swarm.stack.await_converged()
    after = {each.id for name in ("edge", "port") for each in swarm.stack.tasks(name)}
    assert len(after) == 2 * len(swarm.endpoints())
    assert not after & before


def test_the_facts_are_those_of_the_hardened_variant(swarm: Swarm) -> None:
    """Chosen timers are not marked as defaults, and the data path is said."""
    facts = swarm.facts()
    assert swarm.data_path in facts.data_path.lower()
    assert facts.knobs["variant"] == "hardened"
    assert facts.knobs["update order"] == "start-first"
    assert facts.knobs["update failure action"] == "rollback"
    assert facts.knobs["restart delay"] == "1 s"
    assert facts.knobs["redis fsync"] == "always"
    assert facts.knobs["capabilities dropped"] == "ALL"
    assert facts.knobs["secrets"].startswith(f"{labels.LAB}-api-key-")


def test_the_key_is_in_no_description(swarm: Swarm) -> None:
    """Neither the service nor any container shows it; in the container it is the app's alone."""
    key = credentials.api_key_file().read_text()
    assert key not in json.dumps(swarm.stack.services())
    for replica in swarm.replicas():
        task = next(each for each in swarm.stack.tasks("web") if each.id == replica.id)
        environment = swarm.fleet.node(task.node).environment
        shown = shell.run(["docker", "inspect", task.container], env=environment, echo=False)
        assert "/run/secrets/api_key" in shown
        assert key not in shown
        modes = swarm.exec(replica, "stat", "-c", "%a %u", "/run/secrets/api_key")
        assert modes.strip() == "400 10001"


def test_a_replica_can_write_only_where_it_is_meant_to(swarm: Swarm) -> None:
    """Its root is read-only; /cache and the volume in /data take files."""
    replica = swarm.replicas()[0]
    for path in ("/cache/file", "/data/file"):
        swarm.exec(replica, "touch", path)
    with pytest.raises(CommandFailed, match="Read-only file system"):
        swarm.exec(replica, "touch", "/srv/file")


def test_names_resolve_on_every_node(swarm: Swarm, release: Release) -> None:
    """`tasks.web` is every replica; `web` is those, or one virtual address before them."""
    for replica in swarm.replicas():
        assert len(addresses(swarm, replica, "tasks.web")) == release.replicas
        expected = 1 if swarm.data_path == "mesh" else release.replicas
        assert len(addresses(swarm, replica, "web")) == expected


def addresses(swarm: Swarm, replica: Replica, name: str) -> set[str]:
    return {line.split()[0] for line in swarm.exec(replica, "getent", "ahosts", name).splitlines()}


def test_redis_is_out_of_reach_of_a_service_outside_its_overlay(swarm: Swarm) -> None:
    """By its name and by its address; the app, which is inside, gets through the same way."""
    replica = swarm.replicas()[0]
    (address,) = addresses(swarm, replica, "redis")
    assert all(reached(partial(swarm.exec, replica), name) for name in ("redis", address))
    with stranger(swarm, f"{swarm.stack.name}_frontend") as outside:
        outside("getent", "hosts", "web")
        assert not any(reached(outside, name) for name in ("redis", address))


def reached(inside: Callable[..., str], host: str) -> bool:
    """Whether Redis answers there; a gateway on the way may take the connection instead."""
    ask = "import socket, sys; s = socket.create_connection((sys.argv[1], 6379), 2); "
    ask += "s.sendall(b'PING\\r\\n'); print(s.recv(64))"
    try:
        return "+PONG" in inside("python3", "-c", ask, host)
    except CommandFailed:
        return False


@contextmanager
def stranger(swarm: Swarm, network: str) -> Iterator[Callable[..., str]]:
    """A service of its own in a network of the stack; a function that runs commands inside."""
    node, name = swarm.fleet.manager, f"{swarm.stack.name}-stranger"
    place = [f"--constraint=node.hostname=={node.name}", f"--network={network}", "--no-healthcheck"]
    flags = ["--detach", "--no-resolve-image", f"--name={name}", *labels.flags(), *place]
    swarm.stack.run("service", "create", *flags, swarm.rollouts.image(), "sleep", "300")
    find = ["docker", "ps", "--quiet", f"--filter=label=com.docker.swarm.service.name={name}"]
    try:
        container = wait_until(
            f"{name} runs",
            lambda: shell.run(find, env=node.environment, echo=False).strip(),
            timeout=STARTED_S,
        )
        argv = ["docker", "exec", container]
        yield lambda *words: shell.run([*argv, *words], env=node.environment, timeout=30)
    finally:
        swarm.stack.run("service", "rm", name)


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
