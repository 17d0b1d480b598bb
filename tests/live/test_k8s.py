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
from orchlab.platforms.base import Platform
from orchlab.platforms.k8s.adapter import Kubernetes
from tests.live.commands import ENVIRONMENT

pytestmark = pytest.mark.only("k8s")


@pytest.fixture
def cluster(platform: Platform) -> Kubernetes:
    """The adapter with all that it can do beyond a platform."""
    return cast("Kubernetes", platform)


def test_replicas_are_spread_over_the_workers(cluster: Kubernetes) -> None:
    """No worker has two replicas more than another; the control plane has none."""
    nodes = [each.node for each in cluster.replicas()]
    counts = sorted(nodes.count(name) for name in set(nodes))
    assert len(counts) == 2
    assert counts[-1] - counts[0] <= 1
    assert not any(name.endswith("control-plane") for name in nodes)


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
