"""The kind cluster: made, found again, mended after a restart, or made anew."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from docker.errors import APIError
from docker.models.containers import Container
from pytest_kind import KindCluster

from orchlab import console, labels, shell
from orchlab.engine import host
from orchlab.errors import CommandFailed, HostUnfit, OrchlabError, UsageError, WaitTimeout
from orchlab.images.store import Image
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import kind_config
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.kind_config import Size, size_of
from orchlab.wait import wait_until

NETWORK_VARIABLE = "KIND_EXPERIMENTAL_DOCKER_NETWORK"

UNFINISHED_S = 3.0
"""Patience with running nodes of a cluster that kind perhaps never finished."""
RESTART_S = 120.0
"""Patience with a finished cluster: the engine may have just restarted its nodes."""
READY_S = 240.0


class Cluster:
    """This lab's cluster, driven with these two programs."""

    def __init__(self, kind: Path, kubectl: Path) -> None:
        self.kind = kind
        self.kubectl = kubectl

    def ensure(self, node_image: Image, registry: str, size: Size | None = None) -> None:
        """Make sure that a healthy cluster runs whose nodes pull from ``registry``.

        One that is healthy is kept; stopped nodes are started; what a killed run
        left half-made is removed and made anew. ``size`` None takes what there is.
        Raises ``UsageError`` for a cluster of another size, ``HostUnfit`` for one that
        this machine cannot make, ``OrchlabError`` when kind fails and ``WaitTimeout``
        when the cluster does not become ready.
        """
        if k8s_nodes.nodes() and not self._revive():
            console.warn("the cluster is unfinished or broken: making it anew, without its data")
            k8s_nodes.remove()
        if not (found := k8s_nodes.nodes()):
            self._make(node_image, size or Size())
        elif size and size != (there := size_of(found)):
            raise UsageError(
                f"there is a cluster of {there} already, not of {size}",
                "kind cannot change it: `invoke k8s-down` removes it with its data",
            )
        k8s_nodes.trust(registry)
        _await_ready()

    def _revive(self) -> bool:
        found = k8s_nodes.nodes()
        path = k8s_api.kubeconfig()
        finished = path.exists() and path.stat().st_size > 0  # the last thing that kind writes
        try:
            for node in found:
                if node.status != "running":
                    console.note(f"starting node {node.name}")
                    node.start()
            self._export_kubeconfig()
            with console.step("find the cluster's nodes again"):
                _await_nodes(RESTART_S if finished else UNFINISHED_S)
            if lost := _lost(found):
                console.warn(f"the cluster has nodes without a container: {', '.join(lost)}")
                return False
        except APIError as error:  # such as a port that somebody took meanwhile
            console.warn(f"the engine refused: {error.explanation or error}")
            return False
        except (CommandFailed, WaitTimeout) as error:
            console.warn(error.message)
            return False
        return True

    def _export_kubeconfig(self) -> None:
        path = k8s_api.kubeconfig()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        flags = [f"--name={labels.LAB}", f"--kubeconfig={path}"]
        shell.run([self.kind, "export", "kubeconfig", *flags])

    def _make(self, node_image: Image, size: Size) -> None:
        if size.control_planes > 1 and not host.registry_answers():
            raise HostUnfit(
                "kind's balancer before several control planes exists only as an image to pull, "
                "and no image registry answers",
                "make do with one control plane",
            )
        path = k8s_api.kubeconfig()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for stale in (path, path.with_name(f"{path.name}.lock")):
            stale.unlink(missing_ok=True)
        config = kind_config.file(size, path.parent)
        command = [str(self.kind), "create", "cluster", f"--name={labels.LAB}"]
        command += [f"--kubeconfig={path}", f"--image={node_image.reference}"]
        console.echo(
            [*command, "--config", str(config)], {NETWORK_VARIABLE: k8s_nodes.network_name()}
        )
        with _kind_surroundings(path.parent):
            cluster = KindCluster(
                labels.LAB,
                kubeconfig=path,
                image=node_image.reference,
                kind_path=self.kind,
                kubectl_path=self.kubectl,
            )
            try:
                cluster.create(config)
            except subprocess.CalledProcessError as error:
                raise OrchlabError(
                    f"kind could not make the cluster (exit status {error.returncode}); "
                    "it said why above",
                    "`invoke doctor` shows what the machine lacks; then run the command again",
                ) from error


@contextlib.contextmanager
def _kind_surroundings(directory: Path) -> Iterator[None]:
    """The directory and environment that ``KindCluster`` hands on to kind.

    It keeps files of its own in the current directory, and passes no network.
    """
    before = os.environ.get(NETWORK_VARIABLE)
    os.environ[NETWORK_VARIABLE] = k8s_nodes.network_name()
    try:
        with contextlib.chdir(directory):
            yield
    finally:
        os.environ.pop(NETWORK_VARIABLE)
        if before is not None:
            os.environ[NETWORK_VARIABLE] = before


def _lost(found: Iterable[Container]) -> list[str]:
    """Nodes that the cluster counts on and the engine does not have."""
    here = {node.name for node in found}
    names = (str(node.metadata.name) for node in k8s_api.Api().nodes())
    return [name for name in names if name not in here]


def _await_nodes(timeout: float) -> None:
    started = k8s_nodes.started()
    api = k8s_api.Api()
    check = k8s_api.tolerant(lambda: api.unready_nodes(started))
    wait_until(
        f"{len(started)} nodes ready",
        lambda: check() == [],
        timeout=timeout,
        pause=0.5,
        state=lambda: f"not ready: {check()}",
    )


def _await_ready() -> None:
    """Wait until the nodes and the cluster's own pods are ready."""
    with console.step("wait until the nodes and the cluster's own pods are ready"):
        _await_nodes(READY_S)
        started = k8s_nodes.started()
        api = k8s_api.Api()
        check = k8s_api.tolerant(lambda: api.unready_system(started))
        wait_until(
            "the cluster's own pods ready",
            lambda: check() == [],
            timeout=READY_S,
            pause=0.5,
            state=lambda: f"not ready: {check()}",
            hint="`invoke k8s-down`, then run the command again",
        )
