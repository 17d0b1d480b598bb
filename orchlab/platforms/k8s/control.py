"""Talking to a cluster: ``kubectl`` to change it, the official client to read it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from kubernetes.config import ConfigException

from orchlab import shell
from orchlab.errors import UsageError
from orchlab.images.node import tools
from orchlab.images.store import ImageStore
from orchlab.platforms.k8s import access as k8s_access
from orchlab.platforms.k8s.access import Access
from orchlab.platforms.k8s.api import Api


class Control:
    """Both ways, with one access; made when first used. Without one the lab's own is meant."""

    def __init__(self, images: ImageStore, access: Access | None = None) -> None:
        self.images = images
        self._given = access

    @property
    def access(self) -> Access:
        """The kubeconfig, context and namespace in use."""
        return self._given or k8s_access.own()

    @property
    def elsewhere(self) -> bool:
        """Whether the cluster is somebody's."""
        return self._given is not None

    @property
    def namespace(self) -> str:
        """Where the app is."""
        return self.access.namespace

    @cached_property
    def api(self) -> Api:
        """The client; raises ``OrchlabError`` when there is no cluster.

        ``UsageError`` for a context that leads to none.
        """
        if (given := self._given) is None:
            return Api()
        try:
            return Api(given.sources, given.context)
        except ConfigException as error:
            hint = f"`kubectl --context={given.context} version` shows what the command gets"
            raise UsageError(f"context {given.context} cannot be used: {error}", hint) from error

    @cached_property
    def kubectl(self) -> Path:
        """The program: the user's own for a cluster of theirs, else in the version of the lab's."""
        if self.elsewhere and (found := shutil.which("kubectl")):
            return Path(found)
        return tools.kubectl(self.images.ensure("kind-node").reference)

    def run(
        self,
        *argv: str | Path,
        echo: bool = True,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """What ``kubectl`` printed; raises ``CommandFailed``."""
        command = [self.kubectl, *self.access.flags, *argv]
        return shell.run(command, env=self.access.environment, echo=echo, on_line=on_line)

    def forget(self) -> None:
        """Read the kubeconfig anew at the next question: the cluster is another one."""
        self.__dict__.pop("api", None)
