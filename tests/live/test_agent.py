"""A question to a model as a job, on every platform, by the tasks that a user types.

The endpoint is a test double at the outside boundary: it speaks the real protocol, in a
container on the host's network, at an address that every container finds by way of the host.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import docker
import pytest
from docker.types import IPAMConfig, IPAMPool

from orchlab import labels, paths, sweep
from orchlab.images.store import ImageStore
from orchlab.platforms.base import Platform
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.swarm.adapter import Swarm
from orchlab.wait import wait_until
from tests import model_server
from tests.live import commands

KEY = "sk-canary-5d0f6b1c"
QUESTION = "Does {{.Node.Hostname}}, $(OPENAI_MODEL), ${HOME} or \"[red]\" :smile: 'stay'?"
PURPOSE = "agent"
"""Label of the double, so that it is swept without touching a platform."""

SUBNET = f"198.19.{os.getpid() % 256}"
"""Of a network that only gives the host one more address. 172.17.0.1 would not do: inside a
swarm node it is that of the node's own engine."""

START_SECONDS = 30.0
BEGUN = re.compile(rb"^Does|logs .*--follow", re.MULTILINE)
"""What a task says once its job runs: Compose shows a word at once, the others only whole lines."""
Ask = Callable[..., str]


@pytest.fixture(scope="module")
def endpoint(images: ImageStore) -> Iterator[str]:
    """Base URL of the double, for containers of every platform."""
    sweep.sweep(labels.LAB, PURPOSE)
    with closing(docker.from_env()) as client:
        host, port = f"{SUBNET}.1", free_port()
        pool = IPAMPool(subnet=f"{SUBNET}.0/24", gateway=host)
        marks = labels.labels(PURPOSE)
        name = f"{labels.LAB}-model"
        try:
            client.networks.create(name, ipam=IPAMConfig(pool_configs=[pool]), labels=marks)
            server = client.containers.run(
                images.ensure("python").reference,
                ["python3", "-c", Path(model_server.__file__).read_text()],
                name=name,
                network_mode="host",
                labels=marks,
                environment={"HOST": host, "PORT": str(port), "KEY": KEY},
                detach=True,
                init=True,
            )
            wait_until("it serves", lambda: b"serving" in server.logs(), timeout=START_SECONDS)
            yield f"http://{host}:{port}/v1"
        finally:
            sweep.sweep(labels.LAB, PURPOSE)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def ask(platform: Platform, endpoint: str) -> Ask:
    """Run the platform's task; nothing of it may be left, and the key be in nothing it said."""

    def run(status: int = 0, **settings: str) -> str:
        given = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": endpoint, "ORCHLAB_LAB": labels.LAB}
        task = (f"{platform.name}-agent", f"--question={QUESTION}")
        said = commands.invoke(*task, status=status, **given | settings)
        assert KEY not in said
        assert left(platform) == []
        return said

    return run


def left(platform: Platform) -> list[str]:
    """Whatever carries the name of a run: in the engine, on the platform, among the lab's files."""
    run = f"{labels.LAB}-agent-"
    with closing(docker.from_env()) as client:
        kinds = (client.containers.list(all=True), client.networks.list(), client.volumes.list())
        found = [str(each.name) for kind in kinds for each in kind]
    if platform.name == "swarm":
        found += on_swarm(cast("Swarm", platform))
    if platform.name == "k8s":
        control = cast("Kubernetes", platform).control
        found += control.run("get", "namespaces", "-o", "name", echo=False).split()
    found += [str(path) for path in paths.lab_dir().rglob("*")]
    return [name for name in found if run in name]


def on_swarm(swarm: Swarm) -> list[str]:
    """Names of services, secrets, networks and of every node's containers."""
    with swarm.stack.api() as client:
        kinds = (client.services, client.secrets, client.networks)
        found = [str(each.name) for kind in kinds for each in kind.list()]
    for node in swarm.swarm_nodes.all:
        with closing(node.client()) as client:
            found += [str(each.name) for each in client.containers.list(all=True)]
    return found


def test_an_answer_arrives_as_it_was_written(ask: Ask) -> None:
    """After two refusals that pass, byte for byte, whatever templates a platform knows."""
    said = ask(OPENAI_MODEL="busy")
    assert QUESTION in [line.strip() for line in said.splitlines()]


def test_a_refusal_is_the_tasks_failure(ask: Ask) -> None:
    """With the endpoint's reason, the job's exit status and what that means."""
    said = ask(status=1, OPENAI_MODEL="unknown")
    assert "The model unknown does not exist" in said
    assert "exit status 4: the endpoint refused" in said


def test_an_answer_that_stops_is_the_tasks_failure(ask: Ask) -> None:
    """The half that came is shown; Kubernetes tries a second time."""
    said = ask(status=1, OPENAI_MODEL="silent", OPENAI_TIMEOUT="1")
    assert "Does" in [line.strip() for line in said.splitlines()]
    assert "exit status 6: the endpoint was silent" in said


def test_ctrl_c_ends_the_job(platform: Platform, endpoint: str) -> None:
    """And nothing of it is left."""
    given = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": endpoint, "OPENAI_MODEL": "silent"}
    task = (f"{platform.name}-agent", f"--question={QUESTION}")
    commands.interrupt(*task, when=BEGUN, ORCHLAB_LAB=labels.LAB, **given)
    assert left(platform) == []
