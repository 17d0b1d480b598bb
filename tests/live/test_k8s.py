from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import cast

import pytest
import requests

from orchlab import labels, paths
from orchlab.errors import OrchlabError, UnknownName
from orchlab.images.store import Image
from orchlab.platforms.base import Platform, Release
from orchlab.platforms.k8s.adapter import Kubernetes
from tests.live.commands import ENVIRONMENT
from tests.live.replicas import NoLoss, versions

pytestmark = pytest.mark.only("k8s")


@pytest.fixture
def cluster(platform: Platform) -> Kubernetes:
    """The adapter with all that it can do beyond a platform."""
    return cast("Kubernetes", platform)


def test_an_image_that_does_not_exist_is_undone_and_never_gone_back_to(
    cluster: Kubernetes, version_2: Image, no_loss: NoLoss
) -> None:
    """A tag that no registry has: the reason says so, and a later rollback passes it over."""
    cluster.update(version_2)
    try:
        with no_loss():
            rollout = cluster.rollouts.update(f"{cluster.registry.host}/orchlab/app:missing")
        assert rollout.outcome == "rolled-back"
        assert "not found" in rollout.reason
        assert "missing" in cluster.rollouts.history()[-2].image
    finally:
        cluster.rollback()
    assert versions(cluster) == {"1"}


def test_replicas_are_spread_over_the_workers(cluster: Kubernetes) -> None:
    """No worker has two replicas more than another; the control plane has none."""
    nodes = [each.node for each in cluster.replicas()]
    counts = sorted(nodes.count(name) for name in set(nodes))
    assert len(counts) == 2
    assert counts[-1] - counts[0] <= 1
    assert not any(name.endswith("control-plane") for name in nodes)


def test_a_drain_loses_nothing(cluster: Kubernetes, release: Release, no_loss: NoLoss) -> None:
    """Every replica moves off a worker, one at a time as the budget says, while all is served."""
    held = cluster.store.node()
    worker = next(each.node for each in cluster.replicas() if each.node != held)
    try:
        with no_loss():
            cluster.drain(worker)
            replicas = cluster.replicas()
        assert sum(each.ready for each in replicas) == release.replicas
        assert worker not in {each.node for each in replicas}
    finally:
        cluster.activate(worker)
        cluster.deploy(release)
    with pytest.raises(OrchlabError, match="volume of Redis"):
        cluster.drain(held)
    with pytest.raises(UnknownName):
        cluster.drain("nowhere")


def test_status_and_logs_show_what_runs(
    cluster: Kubernetes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every node, replica, endpoint and the current image are in the tables."""
    tables = {table.title: table.rows for table in cluster.status()}
    names = {each.name for each in cluster.replicas()}
    assert len(tables["nodes"]) == 3
    assert names <= {row[0] for row in tables["pods"]}
    assert names == {row[1] for row in tables["endpoints of web"] if row[3] == "yes"}
    assert cluster.rollouts.history()[-1].image.endswith(tables["rollout history"][-1][1])
    cluster.follow_logs(follow=False, tail=3)
    said = capsys.readouterr().out
    assert all(name in said for name in names)


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["command", "terminal"])
def test_a_forwarded_port_leads_to_a_replica_until_ctrl_c(
    cluster: Kubernetes, send: Callable[[int, int], None]
) -> None:
    """From a script or a terminal, where `kubectl` hears it as well: no failure, nothing left."""
    with subprocess.Popen(
        [sys.executable, "-m", "invoke", "k8s-forward"],
        cwd=paths.ROOT,
        env=ENVIRONMENT | {"ORCHLAB_LAB": labels.LAB},
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        (port,) = re.findall(r"^Forwarding from 127\.0\.0\.1:(\d+)", process.stdout.readline())
        url = f"http://127.0.0.1:{port}/whoami"
        answered = requests.get(url, timeout=5, headers={"Connection": "close"}).json()["replica"]
        send(process.pid, signal.SIGINT)
        process.communicate()
    assert answered in {each.name for each in cluster.replicas()}
    assert process.returncode == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
