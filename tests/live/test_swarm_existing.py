"""A Swarm that is somebody else's: another lab's stands for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

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
from orchlab.platforms.swarm.existing import ExistingSwarm
from orchlab.results import RunDir
from tests.live.commands import LAB as OTHER
from tests.live.commands import invoke

pytestmark = pytest.mark.only("swarm")

CONTEXT = "orchlab-test"
SECOND_VERSION = "2"


@pytest.fixture(scope="module")
def other_swarm(images: ImageStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A swarm of another lab; a Docker client configuration with a context for its manager."""
    home = tmp_path_factory.mktemp("docker-config")
    images.ensure("swarm-node")
    try:
        invoke("swarm-up", "--managers=1", "--workers=1", "--heartbeat=1")
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


@pytest.fixture
def there(other_swarm: Path) -> Callable[..., str]:
    """Run a task of this lab on the other swarm; what it printed."""
    user = {"DOCKER_CONFIG": str(other_swarm), "ORCHLAB_LAB": labels.LAB}
    return lambda *words, status=0: invoke(*words, f"--context={CONTEXT}", status=status, **user)


def on_context(registry: str = "") -> ExistingSwarm:
    found = swarm_context.find(CONTEXT, "")
    assert found is not None
    return ExistingSwarm(ImageStore(), found, registry)


def test_the_app_lives_on_somebody_s_swarm(registry: str, there: Callable[..., str]) -> None:
    """Deployed, looked at, scaled, updated, taken back and removed, by a docker context."""
    images = f"--registry={registry}"
    said = there("swarm-deploy", "--variant=hardened", "--replicas=2", images)
    assert f"{OTHER}-swarm-worker1" in said
    said = there("swarm-status")
    for word in (f"{OTHER}-swarm-manager1", "manager, leads", "hardened", "2 of 2"):
        assert word in said, word
    there("swarm-scale", "--replicas=3")
    assert "Application startup complete" in there("swarm-logs", "--tail=5")
    said = there("swarm-update", f"--app-version={SECOND_VERSION}", images)
    assert f"app:{SECOND_VERSION}-" in said
    there("swarm-rollback")
    platform = on_context()
    versions = {
        requests.get(f"{each.url}/whoami", timeout=5).json()["version"]
        for each in platform.endpoints()
    }
    assert versions == {"1"}
    there("swarm-down")
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
