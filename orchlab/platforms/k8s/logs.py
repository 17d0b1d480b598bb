"""What the cluster has to say, as files: logs, objects, events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from orchlab import labels, shell
from orchlab.errors import CommandFailed

KINDS = "pods,services,deployments,replicasets,statefulsets,pvc,endpointslices"
OF_APP = {
    "objects.yaml": ("get", KINDS, "-o", "yaml"),
    "describe.txt": ("describe", "pods"),
    "events.txt": ("get", "events", "--sort-by=.lastTimestamp"),
}
"""File -> what is asked about the app's namespace."""

OF_CLUSTER = {
    "pods.txt": ("get", "pods", "--all-namespaces", "-o", "wide"),
    "nodes.txt": ("describe", "nodes"),
    "kube-proxy.log": ("logs", "-n", "kube-system", "-l", "k8s-app=kube-proxy", "--prefix"),
}

Kubectl = Callable[..., str]


def collect(into: Path, pods: Iterable[Any], kubectl: Kubectl, namespace: str) -> None:
    """Write what the app's namespace holds, and each pod's log, also from before its last restart.

    A question that the cluster refuses leaves its refusal in the file instead.
    """
    _ask(into, OF_APP, kubectl, "-n", namespace)
    for pod in pods:
        name = pod.metadata.name
        log = ("logs", name, "--timestamps")
        files: dict[str, tuple[str, ...]] = {f"{name}.log": log}
        if any(status.restart_count for status in pod.status.container_statuses or ()):
            files[f"{name}.previous.log"] = (*log, "--previous")
        _ask(into, files, kubectl, "-n", namespace)


def collect_cluster(into: Path, kubectl: Kubectl, kind: Path) -> None:
    """Write what the cluster as a whole says; its nodes' journals and logs below ``nodes``.

    kind reports a failure when any of its questions cannot be answered; the rest
    is there all the same, and ``nodes.error`` says what is not.
    """
    _ask(into, OF_CLUSTER, kubectl)
    try:
        shell.run([kind, "export", "logs", f"--name={labels.LAB}", into / "nodes"], echo=False)
    except CommandFailed as error:
        (into / "nodes.error").write_text(f"{error.message}\n")


def _ask(into: Path, files: Mapping[str, tuple[str, ...]], kubectl: Kubectl, *where: str) -> None:
    for name, question in files.items():
        try:
            (into / name).write_text(kubectl(*where, *question))
        except CommandFailed as error:
            (into / name).write_text(f"{error.message}\n")
