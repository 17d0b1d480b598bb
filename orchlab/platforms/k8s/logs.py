"""What the cluster has to say, as files: logs, objects, events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from orchlab import labels, shell
from orchlab.errors import CommandFailed
from orchlab.platforms.k8s.api import NAMESPACE

OVERVIEW = {
    "pods.txt": ("get", "pods", "--all-namespaces", "-o", "wide"),
    "nodes.txt": ("describe", "nodes"),
    "objects.yaml": ("get", "all,pvc,endpointslices", "-n", NAMESPACE, "-o", "yaml"),
    "describe.txt": ("describe", "pods", "-n", NAMESPACE),
    "events.txt": ("get", "events", "-n", NAMESPACE, "--sort-by=.lastTimestamp"),
    "kube-proxy.log": ("logs", "-n", "kube-system", "-l", "k8s-app=kube-proxy", "--prefix"),
}


def collect(into: Path, pods: Iterable[Any], kubectl: Callable[..., str]) -> None:
    """Write an overview, and each pod's log, also from before its last restart.

    A question that the cluster refuses leaves its refusal in the file instead.
    """
    for name, question in OVERVIEW.items():
        _write(into / name, kubectl, question)
    for pod in pods:
        name = pod.metadata.name
        log = ("logs", "-n", NAMESPACE, name, "--timestamps")
        _write(into / f"{name}.log", kubectl, log)
        if any(status.restart_count for status in pod.status.container_statuses or ()):
            _write(into / f"{name}.previous.log", kubectl, (*log, "--previous"))


def collect_nodes(into: Path, kind: Path) -> None:
    """Write the nodes' journals and their containers' logs below ``nodes``.

    kind reports a failure when any of its questions cannot be answered; the rest
    is there all the same, and ``nodes.error`` says what is not.
    """
    try:
        shell.run([kind, "export", "logs", f"--name={labels.LAB}", into / "nodes"], echo=False)
    except CommandFailed as error:
        (into / "nodes.error").write_text(f"{error.message}\n")


def _write(path: Path, kubectl: Callable[..., str], question: tuple[str, ...]) -> None:
    try:
        path.write_text(kubectl(*question))
    except CommandFailed as error:
        path.write_text(f"{error.message}\n")
