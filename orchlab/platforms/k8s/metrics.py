"""metrics-server in the lab's cluster: it tells autoscaler and ``kubectl top`` what pods use."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from orchlab import console, paths
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import kustomize
from orchlab.platforms.k8s import progress as k8s_progress
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.control import Control
from orchlab.platforms.k8s.rollout import now
from orchlab.wait import wait_until

NAME = "metrics-server"
"""Of its image in the catalogue, and of its namespace."""
DIRECTORY = paths.K8S / NAME / "kind"
MEASURED_S = 120.0
"""It is ready after its second reading of every node, which are 10 s apart."""


def ensure(control: Control, reference: str) -> None:
    """Run it from an image that nodes can pull; returns when it has measured the app's pods.

    Raises ``CommandFailed``, or ``WaitTimeout`` with what its pod says.
    """
    since = now()
    directory = k8s_api.kubeconfig().parent / NAME
    kustomize.write(directory, kustomization(directory, reference))
    control.run("apply", "-k", directory)
    with console.step("wait until metrics-server has measured the app's pods"):
        wait_until(
            "a measurement of the app's pods",
            k8s_api.tolerant(lambda: measured(control)),
            timeout=MEASURED_S,
            pause=0.5,
            state=lambda: _why(control, since),
            hint="`kubectl -n metrics-server logs deployment/metrics-server` says more",
        )


def remove(control: Control) -> None:
    """Take it away, without waiting until it is gone."""
    control.run("delete", "-k", DIRECTORY, "--wait=false", "--ignore-not-found")


def _why(control: Control, since: datetime) -> str:
    pods, events = control.api.pods(NAME), control.api.events(NAME)
    return k8s_progress.why(pods, events, since)


def kustomization(directory: Path, reference: str) -> dict[str, Any]:
    """``k8s/metrics-server/kind`` with this image, as a kustomization in ``directory``."""
    (known,) = yaml.safe_load((DIRECTORY / "kustomization.yaml").read_text())["images"]
    return kustomize.on(DIRECTORY, directory, images=[kustomize.image(known["newName"], reference)])


def measured(control: Control) -> list[str]:
    """The pods of the app's namespace whose usage is known.

    Raises ``ApiException`` while nothing answers for the metrics API.
    """
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/pods"
    found = control.api.read(path, "object")
    return [str(each["metadata"]["name"]) for each in found["items"]]
