"""Talking to the lab's cluster: ``kubectl`` to change it, the official client to read it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from orchlab import shell
from orchlab.images.node import tools
from orchlab.images.store import ImageStore
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s.api import Api


class Control:
    """Both ways, with the lab's private kubeconfig; made when first used."""

    def __init__(self, images: ImageStore) -> None:
        self.images = images

    @cached_property
    def api(self) -> Api:
        """The client; raises ``OrchlabError`` when there is no cluster."""
        return Api()

    @cached_property
    def kubectl(self) -> Path:
        """The program, in the version of the cluster."""
        return tools.kubectl(self.images.ensure("kind-node").reference)

    def run(
        self,
        *argv: str | Path,
        echo: bool = True,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """What ``kubectl`` printed; raises ``CommandFailed``."""
        environment = {"KUBECONFIG": str(k8s_api.kubeconfig())}
        return shell.run([self.kubectl, *argv], env=environment, echo=echo, on_line=on_line)

    def forget(self) -> None:
        """Read the kubeconfig anew at the next question: the cluster is another one."""
        self.__dict__.pop("api", None)
