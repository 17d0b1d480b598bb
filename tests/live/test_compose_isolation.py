"""Who can talk to whom on Compose, and where secrets can be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import pytest
import requests

from orchlab import credentials, labels, shell
from orchlab.errors import CommandFailed
from orchlab.images.store import ImageStore
from orchlab.platforms.base import Platform
from orchlab.platforms.compose.adapter import Compose
from orchlab.wait import wait_until

pytestmark = pytest.mark.only("compose")

BRIDGE = "bridge"
REDIS_PORT = 6379
APP_PORT = 8000
RESOLVE = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()"
STATUS = (
    "import sys, urllib.request as u;"
    "r = u.Request('http://127.0.0.1:8000/status', headers={'X-API-Key': sys.argv[1]});"
    "print(u.urlopen(r, timeout=5).read().decode())"
)


@pytest.fixture
def stack(platform: Platform) -> Compose:
    """The hardened stack."""
    assert isinstance(platform, Compose)
    return platform


def succeeds(argv: list[str]) -> bool:
    """Whether a command ends well."""
    try:
        shell.run(argv)
    except CommandFailed:
        return False
    return True


def from_network(network: str, images: ImageStore, script: str, *arguments: str) -> bool:
    """Whether a script ends well in a container that nobody knows, on that network."""
    stranger = ["docker", "run", "--rm", *labels.flags("compose"), f"--network={network}"]
    return succeeds([*stranger, images.app().reference, "python3", "-c", script, *arguments])


def address(container: str) -> str:
    """A container's address on the first of its networks."""
    attached = docker.from_env().containers.get(container).attrs["NetworkSettings"]["Networks"]
    return str(next(iter(attached.values()))["IPAddress"])


def healthy(container: str) -> bool:
    """Whether the engine holds it for healthy."""
    state = docker.from_env().containers.get(container).attrs["State"]
    return bool(state["Health"]["Status"] == "healthy")


@contextmanager
def app_alone(images: ImageStore, network: str, **environment: str) -> Iterator[str]:
    """The app in a container of its own, healthy; yields its name."""
    name = f"{labels.LAB}-alone"
    variables = [f"--env={key}={value}" for key, value in environment.items()]
    run = ["docker", "run", "-d", f"--name={name}", *labels.flags("compose")]
    shell.run([*run, f"--network={network}", *variables, images.app().reference])
    try:
        wait_until(f"{name} healthy", lambda: healthy(name), timeout=60)
        yield name
    finally:
        shell.run(["docker", "rm", "--force", name])


def test_service_names_resolve_on_the_stacks_network(stack: Compose, images: ImageStore) -> None:
    """The engine's DNS answers for a service to whoever is on its network, and to no other."""
    replica = stack.replicas()[0]
    found = stack.exec(replica, "python3", "-c", RESOLVE, "redis").strip()
    assert found == address(str(stack.project.only("redis").name))
    assert from_network(f"{labels.LAB}_backend", images, RESOLVE, "redis")
    assert not from_network(f"{labels.LAB}_frontend", images, RESOLVE, "redis")


def test_no_name_resolves_on_the_default_bridge(images: ImageStore) -> None:
    """Containers on the default bridge reach each other by address, and by no name."""
    with app_alone(images, BRIDGE) as name:
        assert from_network(BRIDGE, images, CONNECT, address(name), str(APP_PORT))
        assert not from_network(BRIDGE, images, RESOLVE, name)


def test_redis_is_out_of_reach_from_outside_its_network(stack: Compose, images: ImageStore) -> None:
    """Not the edge, not a stranger, not even by address; only who is on the backend network."""
    redis = address(str(stack.project.only("redis").name))
    assert from_network(f"{labels.LAB}_backend", images, CONNECT, redis, str(REDIS_PORT))
    for network in (f"{labels.LAB}_frontend", BRIDGE):
        assert not from_network(network, images, CONNECT, redis, str(REDIS_PORT))
    edge = ["docker", "exec", str(stack.project.only("edge").name), "timeout", "3", "bash", "-c"]
    assert succeeds([*edge, f"exec 3<>/dev/tcp/web/{APP_PORT}"])
    assert not succeeds([*edge, f"exec 3<>/dev/tcp/redis/{REDIS_PORT}"])
    assert not succeeds([*edge, f"exec 3<>/dev/tcp/{redis}/{REDIS_PORT}"])


def test_only_the_edge_is_published_and_only_to_this_machine(stack: Compose) -> None:
    """The host's one port for the stack is the edge's, on 127.0.0.1, and no Redis is behind it."""
    published = {
        str(each.name): bound
        for each in stack.project.containers()
        if (bound := [each for each in each.ports.values() if each])
    }
    assert list(published) == [str(stack.project.only("edge").name)]
    ((binding,),) = published.popitem()[1]
    assert binding["HostIp"] == "127.0.0.1"


def test_the_api_key_can_be_seen_nowhere(stack: Compose) -> None:
    """It opens the status page, and stands neither there nor in a log nor in `docker inspect`."""
    key = credentials.api_key_file().read_text()
    (entry,) = stack.endpoints()
    asked = requests.get(f"{entry.url}/status", headers={"X-API-Key": key}, timeout=5)
    refused = requests.get(f"{entry.url}/status", headers={"X-API-Key": f"{key}x"}, timeout=5)
    assert (asked.status_code, refused.status_code) == (200, 401)
    assert key not in asked.text + refused.text
    for each in stack.project.containers():
        assert key not in json.dumps(each.attrs), each.name
        assert key.encode() not in each.logs(), each.name


def test_the_password_of_redis_is_masked(stack: Compose, images: ImageStore) -> None:
    """A key and a password from the environment stand in no answer and in no log."""
    key, password = "canary-key", "canary-password"
    url = f"redis://default:{password}@redis:{REDIS_PORT}/0"
    with app_alone(images, f"{labels.LAB}_backend", API_KEY=key, REDIS_URL=url) as name:
        said = shell.run(["docker", "exec", name, "python3", "-c", STATUS, key])
        log = docker.from_env().containers.get(name).logs().decode()
    settings = json.loads(said)["settings"]
    assert settings["REDIS_URL"].endswith(f"@redis:{REDIS_PORT}/0")
    for secret in (key, password):
        assert secret not in said
        assert secret not in log
