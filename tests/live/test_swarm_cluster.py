"""Nodes of a Swarm: lost, cut off, added, removed; and an autoscaler on top."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import docker
import pytest
import requests

from orchlab import labels, paths
from orchlab.platforms.base import Platform, Release
from orchlab.platforms.swarm import up as swarm_up
from orchlab.platforms.swarm.adapter import Swarm
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.wait import wait_until
from tests.live.entries import served
from tests.live.replicas import await_replaced, identities, ready

pytestmark = pytest.mark.only("swarm")

HEALED_S = 120.0


@pytest.fixture
def swarm(platform: Platform, release: Release) -> Iterator[Swarm]:
    """One manager and two workers that notice a lost node soon; left as it was found."""
    made = cast("Swarm", platform)
    swarm_up.set_heartbeat(made.fleet.manager, swarm_up.PATIENT)
    yield made
    made.mend()
    Swarm(made.images, Fleet(managers=1, workers=2)).create()
    swarm_up.set_heartbeat(made.fleet.manager, 5)
    made.deploy(release)


def test_nodes_are_reached_by_sockets_that_nobody_else_can_open(swarm: Swarm) -> None:
    """Mode 0700 all the way down, and entry ports on this machine's own address only."""
    for node in swarm.fleet.members:
        assert node.socket.is_socket()
        for directory in (node.socket.parent, node.socket.parent.parent, paths.state_dir()):
            assert directory.stat().st_mode & 0o777 == 0o700, directory
        bound = node.container().attrs["NetworkSettings"]["Ports"]
        assert {each["HostIp"] for each in bound["8080/tcp"]} == {"127.0.0.1"}
        assert not [port for port, where in bound.items() if where and port != "8080/tcp"]


def test_three_managers_survive_the_loss_of_the_leader(
    swarm: Swarm, release: Release, tmp_path: Path
) -> None:
    """Made of one without touching what runs; another leads, orders are carried out again.

    What was started elsewhere meanwhile stays there when the lost node is back.
    """
    before = identities(swarm)
    Swarm(swarm.images, Fleet(managers=3, workers=2)).create()
    assert identities(swarm) == before
    swarm.await_serving(release.replicas)
    leader = next(each.name for each in swarm.nodes() if each.leader)
    with served(swarm, leader, tmp_path / "samples.jsonl"):
        swarm.stop(leader)
        new = next(each.name for each in swarm.nodes() if each.leader and each.name != leader)
        await_replaced(swarm, leader, release.replicas, HEALED_S)
        elsewhere = identities(swarm)
        swarm.start(leader)
        swarm.await_serving(release.replicas)
    assert identities(swarm) == elsewhere
    swarm.scale(release.replicas + 1)
    wait_until("every node ready", lambda: all(ready(swarm).values()), timeout=HEALED_S)
    assert set(ready(swarm)) == {node.name for node in swarm.fleet.members}
    assert new in {each.name for each in swarm.nodes() if each.control}


def test_a_swarm_shrinks_without_losing_what_runs(swarm: Swarm, release: Release) -> None:
    """Tasks of the node that goes are started elsewhere; its container and volume are gone."""
    gone = "worker2"
    Swarm(swarm.images, Fleet(managers=1, workers=1)).create()
    swarm.await_serving(release.replicas)
    assert [each.name for each in swarm.nodes()] == [node.name for node in swarm.fleet.members]
    client = docker.from_env()
    mark: dict[str, str | list[str] | bool] = {"name": f"{labels.LAB}-swarm-{gone}"}
    assert client.containers.list(all=True, filters=mark) == []
    assert client.volumes.list(filters=mark) == []


def test_the_autoscaler_adds_replicas_under_load_and_removes_them(swarm: Swarm) -> None:
    """It says each decision; on SIGTERM it ends well and leaves the number as it is."""
    words = ["--min=2", "--max=4", "--target-cpu=25", "--period=2", "--down-window=6"]
    command = [sys.executable, "-m", "invoke", "swarm-autoscale", *words]
    scaler = subprocess.Popen(
        command, cwd=paths.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        with load(swarm):
            _await_wanted(swarm, 4)
        _await_wanted(swarm, 2)
    finally:
        scaler.send_signal(signal.SIGTERM)
        said, errors = scaler.communicate(timeout=60)
    assert scaler.returncode == 0, errors
    assert "now 4" in said
    assert "waiting for the window" in said
    assert len([each for each in swarm.stack.tasks("web") if each.state == "running"]) == 2


def _await_wanted(swarm: Swarm, replicas: int) -> None:
    def wanted() -> int:
        mode = swarm.stack.service("web")["Spec"]["Mode"]
        return int(mode["Replicated"]["Replicas"])

    wait_until(f"{replicas} replicas wanted", lambda: wanted() == replicas, timeout=HEALED_S)


@contextmanager
def load(swarm: Swarm) -> Iterator[None]:
    """As much work as the replicas can do, from outside."""
    entry, going = swarm.endpoints()[0].url, True

    def work() -> None:
        while going:
            with suppress(requests.RequestException):
                requests.post(f"{entry}/work?ms=200", timeout=5)

    with ThreadPoolExecutor(max_workers=6) as pool:
        for _ in range(6):
            pool.submit(work)
        try:
            yield
        finally:
            going = False
