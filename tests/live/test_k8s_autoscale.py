"""Kubernetes' own autoscaler, as the task runs it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import cast

import kubernetes_validate
import pytest
import yaml

from orchlab import paths
from orchlab.errors import UsageError
from orchlab.platforms.autoscaling import Policy
from orchlab.platforms.base import Platform, Release
from orchlab.platforms.k8s import autoscale
from orchlab.platforms.k8s import autoscaler as k8s_autoscaler
from orchlab.platforms.k8s import metrics as k8s_metrics
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.wait import wait_until

pytestmark = pytest.mark.only("k8s")

MEASURED_S = 120.0
"""metrics-server's start, two measurements 10 s apart, and the controller's 15 s."""


@pytest.fixture
def cluster(platform: Platform) -> Kubernetes:
    """The adapter with all that it can do beyond a platform."""
    return cast("Kubernetes", platform)


def test_the_task_says_what_is_measured_and_ends_with_its_autoscaler(
    cluster: Kubernetes, release: Release, tmp_path: Path
) -> None:
    """Meanwhile nobody else sets the number; that it follows the load is experiment 11's."""
    cluster.images.ensure(k8s_metrics.NAME)  # its first build would take all the time there is
    words = ["--min=3", "--max=4", "--target-cpu=90"]
    said = tmp_path / "said"
    with (
        said.open("w") as sink,
        subprocess.Popen(
            [sys.executable, "-m", "invoke", "k8s-autoscale", *words],
            cwd=paths.ROOT,
            stdout=sink,
            stderr=subprocess.STDOUT,
        ) as scaler,
    ):
        try:
            await_line(scaler, said, r"3 replicas, CPU \d+ %, target 90 %")
            with pytest.raises(UsageError, match="an autoscaler sets"):
                cluster.scale(release.replicas)
        finally:
            scaler.send_signal(signal.SIGTERM)
            scaler.wait(timeout=60)
            cluster.control.run("delete", "-k", k8s_metrics.DIRECTORY, "--wait=false")
    assert scaler.returncode == 0, said.read_text()
    assert k8s_autoscaler.find(cluster.control) is None
    assert cluster.rollouts.require().spec.replicas == release.replicas


def await_line(scaler: subprocess.Popen[bytes], said: Path, pattern: str) -> None:
    """Return when the autoscaler has said so, or raise because it has ended."""

    def seen() -> bool:
        ended = scaler.poll() is not None
        return ended or re.search(pattern, said.read_text()) is not None

    wait_until(pattern, seen, timeout=MEASURED_S, pause=0.5, state=said.read_text)
    assert scaler.poll() is None, said.read_text()


def test_what_is_applied_fits_the_schema(cluster: Kubernetes, tmp_path: Path) -> None:
    """After kustomize has put policy, image and labels into the files."""
    contents = {
        "autoscale": autoscale.kustomization(tmp_path / "autoscale", Policy(2, 6, 25), 1.0),
        "metrics": k8s_metrics.kustomization(tmp_path / "metrics", "registry/metrics-server:1"),
    }
    minor = cluster.facts().versions["kubernetes"].removeprefix("v").rpartition(".")[0]
    rendered: dict[str, dict[str, object]] = {}
    for name, content in contents.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(yaml.safe_dump(content))
        text = cluster.control.run("kustomize", tmp_path / name)
        for document in yaml.safe_load_all(text):
            kubernetes_validate.validate(document, minor, strict=True)
            rendered[document["kind"]] = document.get("spec", {})
        assert "registry.k8s.io" not in text
    assert rendered[autoscale.KIND]["maxReplicas"] == 6
    assert "--kubelet-insecure-tls" in str(rendered["Deployment"])
