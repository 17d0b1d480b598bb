"""Where Kubernetes has the app's data: Redis' in a claim, files in each pod."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchlab import console, paths, shell
from orchlab.platforms import helper, serving
from orchlab.platforms.capabilities import Place
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import kustomize
from orchlab.platforms.k8s import release as k8s_release
from orchlab.platforms.k8s.faults import Faults
from orchlab.platforms.k8s.rollout import STATEFUL_SET
from orchlab.platforms.k8s.store import POD

DIRECTORY = paths.K8S / "backup"
JOB = "job/keeper"
READY = ("--for=jsonpath={.status.ready}=1", "--timeout=60s")
GONE = ("--for=delete", "--timeout=60s")
ROLLED = "--timeout=120s"


class Backup(Faults):
    """The data in the app's namespace."""

    def file_places(self) -> list[Place]:
        """Each pod: what it has in /data nobody else can mount, and it ends with the pod."""
        self.rollouts.require()
        return [
            Place(f"pod {each.name}", self._inside(f"pod/{each.name}"), lasting=False)
            for each in self.replicas()
            if each.ready
        ]

    @contextmanager
    def store_place(self) -> Iterator[Place]:
        """Redis' claim, mounted by a Job of its own for the block."""
        image = str(self.rollouts.require().spec.template.spec.containers[0].image)
        directory = k8s_api.kubeconfig().parent / "backup"
        kustomize.write(directory, kustomization(directory, image))
        try:
            self._remove()  # a killed run's
            self.control.run("apply", "-k", directory)
            self._in_namespace("wait", JOB, *READY)
            yield Place("the claim of Redis", self._inside(JOB))
        finally:
            self._remove()

    @contextmanager
    def store_stopped(self) -> Iterator[None]:
        """Redis has no pod for the block, and one after it whatever happened in it."""
        try:
            self._in_namespace("scale", STATEFUL_SET, "--replicas=0")
            self._in_namespace("wait", f"pod/{POD}", *GONE)
            yield
        finally:
            with shell.undisturbed():
                self._in_namespace("scale", STATEFUL_SET, "--replicas=1")
        with console.step("k8s: the app reaches Redis again"):
            self._in_namespace("rollout", "status", STATEFUL_SET, ROLLED)
            serving.wait_for_store(self.endpoints, len(self.replicas()))

    def _inside(self, target: str) -> Callable[..., str]:
        access, kubectl = self.control.access, self.control.kubectl
        where = ("exec", "--stdin", "-n", self.control.namespace, target, "--")
        return helper.runner([kubectl, *access.flags, *where], access.environment)

    def _remove(self) -> None:
        self._in_namespace("delete", JOB, "--ignore-not-found", "--cascade=foreground")

    def _in_namespace(self, *words: str) -> None:
        self.control.run("-n", self.control.namespace, *words)


def kustomization(directory: Path, image: str) -> dict[str, Any]:
    """``k8s/backup`` with this image, as a kustomization in ``directory``."""
    known = k8s_release.base_names()[k8s_release.APP]
    return kustomize.on(DIRECTORY, directory, images=[kustomize.image(known, image)])
