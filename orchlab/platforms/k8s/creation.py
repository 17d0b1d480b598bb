"""A cluster made by kind, through pytest-kind's ``KindCluster``."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_kind import KindCluster

from orchlab import console, labels, shell
from orchlab.errors import OrchlabError
from orchlab.images.store import Image, ImageStore
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import balancer as k8s_balancer
from orchlab.platforms.k8s import kind_config
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.kind_config import Size

NETWORK_VARIABLE = "KIND_EXPERIMENTAL_DOCKER_NETWORK"


@dataclass(frozen=True, slots=True)
class Creation:
    """With these two programs; ``keep``: what kind could not finish is left, to look at."""

    kind: Path
    kubectl: Path
    images: ImageStore
    keep: bool = False

    def run(self, node_image: Image, size: Size) -> None:
        """Make a cluster of that size; raises ``OrchlabError`` when kind fails."""
        path = k8s_api.kubeconfig()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for stale in (path, path.with_name(f"{path.name}.lock")):
            stale.unlink(missing_ok=True)
        config = kind_config.file(size, path.parent)
        with contextlib.ExitStack() as stack:
            if size.control_planes > 1:
                stack.enter_context(k8s_balancer.lent(self.images))
            stack.enter_context(surroundings(path.parent))
            self._create(node_image, config)

    def _create(self, node_image: Image, config: Path) -> None:
        path = k8s_api.kubeconfig()
        command = [str(self.kind), "create", "cluster", f"--name={labels.LAB}"]
        command += [f"--kubeconfig={path}", f"--image={node_image.reference}"]
        command += ["--config", str(config)]
        environment = {NETWORK_VARIABLE: k8s_nodes.network_name()}
        if self.keep:  # KindCluster does not pass this on
            shell.run([*command, "--retain"], env=environment, on_line=console.note)
            return
        console.echo(command, environment)
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
                "`invoke doctor` shows what the machine lacks; --keep leaves the nodes to look at",
            ) from error


@contextlib.contextmanager
def surroundings(directory: Path) -> Iterator[None]:
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
