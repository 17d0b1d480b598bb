"""Nodes of a Swarm: lost, cut off, added, removed; and a Swarm that is somebody else's."""

from __future__ import annotations

import os
import shutil
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

from orchlab import labels, paths, shell, sweep
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.images.store import ImageStore
from orchlab.measuring import measure_once
from orchlab.platforms.base import NodeFaults, Platform, Release
from orchlab.platforms.swarm import context as swarm_context
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm import up as swarm_up
from orchlab.platforms.swarm.adapter import Swarm
from orchlab.platforms.swarm.existing import ExistingSwarm
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.results import RunDir
from orchlab.wait import wait_until
from tests.live.entries import served

pytestmark = pytest.mark.only("swarm")

HEALED_S = 120.0
OTHER = f"{labels.LAB}-compare"
CONTEXT = "orchlab-test"
SECOND_VERSION = "2"


@pytest.fixture
def swarm(platform: Platform, release: Release) -> Iterator[Swarm]:
    """One manager and two workers that notice a lost node within 3 s; left as it was found."""
    made = cast("Swarm", platform)
    swarm_up.set_heartbeat(made.fleet.manager, 1)
    yield made
    made.mend()
    Swarm(made.images, Fleet(managers=1, workers=2)).create()
    swarm_up.set_heartbeat(made.fleet.manager, 5)
    made.deploy(release)


def worker_without_redis(swarm: Swarm, release: Release) -> str:
    """A worker with a replica; without the volume of Redis, which could not be replaced.

    Swarm moves nothing to a node that came back, so after another test it takes a forced update.
    """
    held = {each.node for each in swarm.stack.tasks("redis") if each.desired == "running"}
    workers = {each.name for each in swarm.nodes() if not each.control} - held
    if not workers & {each.node for each in swarm.replicas()}:
        again = ["docker", "service", "update", "--force", f"{swarm.stack.name}_web"]
        shell.run(again, env=swarm.fleet.manager.environment)
        swarm.await_serving(release.replicas)
    return next(each.node for each in swarm.replicas() if each.node in workers)


def ready(swarm: Swarm) -> dict[str, bool]:
    return {each.name: each.ready for each in swarm.nodes()}


def await_replaced(swarm: Swarm, lost: str, count: int) -> None:
    """Return when all replicas run, none of them on the lost node."""

    def check() -> bool:
        found = [each for each in swarm.replicas() if each.ready]
        return len(found) == count and lost not in {each.node for each in found}

    wait_until(
        f"{count} replicas elsewhere than on {lost}",
        check,
        timeout=HEALED_S,
        state=lambda: str(swarm.replicas()),
    )


def copies(swarm: Swarm, node: str) -> int:
    """How many containers of the app run on a node, whatever the manager thinks."""
    argv = ["docker", "ps", "--quiet", f"--filter=name={swarm.stack.name}_web."]
    return len(shell.run(argv, env=swarm.fleet.node(node).environment, echo=False).split())


def test_nodes_are_reached_by_sockets_that_nobody_else_can_open(swarm: Swarm) -> None:
    """Mode 0700 all the way down, and entry ports on this machine's own address only."""
    for node in swarm.fleet.members:
        assert node.socket.is_socket()
        for directory in (node.socket.parent, node.socket.parent.parent, paths.state_dir()):
            assert directory.stat().st_mode & 0o777 == 0o700, directory
        bound = node.container().attrs["NetworkSettings"]["Ports"]
        assert {each["HostIp"] for each in bound["8080/tcp"]} == {"127.0.0.1"}
        assert not [port for port, where in bound.items() if where and port != "8080/tcp"]


def test_a_killed_worker_is_replaced_and_gets_nothing_back(
    swarm: Swarm, release: Release, tmp_path: Path
) -> None:
    """Its tasks run elsewhere; started again it rejoins, and nothing moves to it by itself."""
    lost = worker_without_redis(swarm, release)
    with served(swarm, lost, tmp_path / "samples.jsonl"):
        swarm.stop(lost)
        wait_until(f"{lost} down", lambda: not ready(swarm)[lost], timeout=HEALED_S)
        await_replaced(swarm, lost, release.replicas)
    before = {each.id for each in swarm.replicas()}
    swarm.start(lost)
    assert ready(swarm)[lost]
    swarm.await_serving(release.replicas)
    assert {each.id for each in swarm.replicas()} == before


def test_a_partition_has_two_sides_until_it_is_mended(
    swarm: Swarm, release: Release, tmp_path: Path
) -> None:
    """The majority replaces what it lost; the cut-off node keeps its own copies till the end."""
    lost = worker_without_redis(swarm, release)
    with served(swarm, lost, tmp_path / "samples.jsonl"):
        swarm.cut(lost)
        wait_until(f"{lost} down", lambda: not ready(swarm)[lost], timeout=HEALED_S)
        await_replaced(swarm, lost, release.replicas)
        assert copies(swarm, lost)
    swarm.mend()
    wait_until(f"{lost} ready", lambda: ready(swarm)[lost], timeout=HEALED_S)
    wait_until(f"no copy on {lost}", lambda: not copies(swarm, lost), timeout=HEALED_S)
    swarm.await_serving(release.replicas)


def test_three_managers_survive_the_loss_of_the_leader(
    swarm: Swarm, release: Release, tmp_path: Path
) -> None:
    """Made of one without touching what runs; another leads, orders are carried out again."""
    before = {each.id for each in swarm.replicas()}
    Swarm(swarm.images, Fleet(managers=3, workers=2)).create()
    assert {each.id for each in swarm.replicas()} == before
    swarm.await_serving(release.replicas)
    leader = next(each.name for each in swarm.nodes() if each.leader)
    with served(swarm, leader, tmp_path / "samples.jsonl"):
        swarm.stop(leader)
        new = next(each.name for each in swarm.nodes() if each.leader and each.name != leader)
        await_replaced(swarm, leader, release.replicas)
        swarm.start(leader)
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
    mark: dict[str, str | list[str] | bool] = {"name": f"{labels.LAB}-{gone}"}
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


def invoke(*words: str, status: int = 0, **environment: str) -> str:
    """Run a task in a process of its own; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=paths.ROOT,
        env=os.environ | {"COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def other_swarm(images: ImageStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A swarm of another lab; a Docker client configuration with a context for its manager."""
    home = tmp_path_factory.mktemp("docker-config")
    images.ensure("swarm-node")
    try:
        words = ("--managers=1", "--workers=1", "--heartbeat=1")
        invoke("swarm-up", *words, ORCHLAB_LAB=OTHER)
        manager = paths.state_dir() / "labs" / OTHER / "swarm" / "manager1" / "docker.sock"
        command = ["docker", "context", "create", CONTEXT, f"--docker=host=unix://{manager}"]
        shell.run(command, env={"DOCKER_CONFIG": str(home)})
        yield home
    finally:
        sweep.sweep(OTHER)
        shutil.rmtree(paths.state_dir() / "labs" / OTHER, ignore_errors=True)


@pytest.fixture
def registry(platform: Platform, other_swarm: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The other swarm's registry: the port by which it is pushed to, and its name there.

    From here on the user's Docker client knows the context.
    """
    monkeypatch.setenv("DOCKER_CONFIG", str(other_swarm))
    container = docker.from_env().containers.get(f"{OTHER}-registry")
    return f"127.0.0.1:{container.ports['5000/tcp'][0]['HostPort']}={OTHER}-registry:5000"


def on_context(registry: str = "") -> ExistingSwarm:
    found = swarm_context.find(CONTEXT, "")
    assert found is not None
    return ExistingSwarm(ImageStore(), found, registry)


def test_the_app_lives_on_somebody_s_swarm(registry: str) -> None:
    """Deployed, looked at, scaled, updated, taken back and removed, by a docker context."""
    there, images = f"--context={CONTEXT}", f"--registry={registry}"
    said = invoke("swarm-deploy", "--variant=hardened", "--replicas=2", there, images)
    assert f"{OTHER}-worker1" in said
    said = invoke("swarm-status", there)
    for word in (f"{OTHER}-manager1", "manager, leads", "hardened", "2 of 2"):
        assert word in said, word
    invoke("swarm-scale", "--replicas=3", there)
    said = invoke("swarm-update", f"--app-version={SECOND_VERSION}", there, images)
    assert f"app:{SECOND_VERSION}-" in said
    invoke("swarm-rollback", there)
    platform = on_context()
    versions = {
        requests.get(f"{each.url}/whoami", timeout=5).json()["version"]
        for each in platform.endpoints()
    }
    assert versions == {"1"}
    invoke("swarm-down", there)
    manager = platform.swarm_nodes.manager
    assert not any(each.store for each in swarm_members.listed(manager))
    assert platform.stack.services() == []


def test_experiments_that_break_nothing_run_on_somebody_s_swarm(
    registry: str, release: Release, tmp_path: Path
) -> None:
    """One that needs faults of nodes or processes is refused, with the reason."""
    platform = on_context(registry)
    platform.prepare()
    platform.create()
    platform.publish(release.image)
    platform.deploy(release)
    try:
        balance, crash = (
            measure_once(EXPERIMENTS[name](), platform, release, RunDir(tmp_path))
            for name in ("balance", "crash")
        )
    finally:
        platform.delete()
    assert balance.verdict == "pass", balance
    assert crash.verdict == "unsupported"
    assert "not the lab's own" in crash.summary
    assert not isinstance(platform, NodeFaults)
