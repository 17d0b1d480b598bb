"""The app as a guest in a namespace of somebody's cluster, with rights on that alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orchlab import console, paths
from orchlab.errors import CommandFailed, HostUnfit, UsageError, WaitTimeout
from orchlab.images.given_registry import GivenRegistry
from orchlab.images.store import Image, ImageStore
from orchlab.platforms import serving
from orchlab.platforms.base import Endpoint
from orchlab.platforms.k8s import access as k8s_access
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import facts as k8s_facts
from orchlab.platforms.k8s import guest as k8s_guest
from orchlab.platforms.k8s import objects as k8s_objects
from orchlab.platforms.k8s.access import Access
from orchlab.platforms.k8s.app import OPTIONAL, KubernetesApp
from orchlab.platforms.k8s.rollout import WEB
from orchlab.wait import wait_until

REACH_S = 10.0
"""For the first node's port to answer: kube-proxy may still be about to open it."""
RELEASE = f"deployments,statefulsets,services,configmaps,secrets,{OPTIONAL}"
GONE = "120s"


class ExistingKubernetes(KubernetesApp):
    """A cluster that a context of the user's kubeconfig names. Its nodes are not the lab's.

    So it has no faults of nodes or processes: these would need a node's engine. What is
    asked of it needs the rights in ``k8s/guest/role.yaml``. ``probed``: experiments are
    to reach its nodes' ports from here, so that it is an error when they cannot.
    """

    refusal = "its nodes are not the lab's own: whoever runs them would lose more than this app"
    entry = "the nodes' own addresses"
    timers = dict.fromkeys(k8s_facts.FIXED, "unknown: no API reports it")

    def __init__(
        self,
        images: ImageStore,
        access: Access,
        registry_address: str = "",
        *,
        probed: bool = False,
    ) -> None:
        super().__init__(images, GivenRegistry(images, registry_address), access)
        self.guest = access.namespace
        self.probed = probed

    @property
    def directory(self) -> Path:
        """With the API key in it, so nobody else may enter."""
        return paths.lab_dir() / "k8s-guest"

    def prepare(self) -> None:
        """Bring the image of Redis into the engine here, from which it is pushed."""
        self.images.ensure("redis")

    def create(self) -> None:
        """Make nothing; say where the app goes."""
        where = f"namespace {self.guest} of context {self.control.access.context}"
        console.note(f"{where}, Kubernetes {self.control.api.release()}")

    def publish(self, image: Image) -> None:
        """Push to the registry; nodes pull when a pod starts. Raises ``UsageError`` without one."""
        self.published[image.reference] = self.registry.push(image)

    def apply(self) -> None:
        """The same as on a cluster of one's own, unless something is in the way.

        Raises ``UsageError`` for objects or pods of somebody else's that the release would
        take over, and ``CommandFailed`` before anything is changed if the cluster refuses.
        """
        try:
            with console.step("ask the cluster whether it would take the release"):
                k8s_guest.require_room(self.control, self.directory)
                self.control.run("apply", "-k", self.directory, "--dry-run=server")
        except CommandFailed as error:
            error.hint = "k8s/guest/role.yaml has the rights that are needed"
            raise
        super().apply()

    def endpoints(self) -> list[Endpoint]:
        """The Service's port on every node with a ready replica: others may not be listed."""
        namespace = self.control.namespace
        pods = self.control.api.pods(namespace, WEB)
        hosts = {
            pod.spec.node_name: pod.status.host_ip
            for pod in pods
            if k8s_objects.condition(pod, "Ready")
        }
        if not hosts:
            return []
        port = self.control.api.node_port(namespace, "web")
        return [
            Endpoint(node, f"http://{f'[{host}]' if ':' in host else host}:{port}")
            for node, host in sorted(hosts.items())
        ]

    def await_serving(self, replicas: int) -> None:
        """Return when all replicas are in the Service and, if any node's port answers here, all do.

        Raises ``WaitTimeout``; ``HostUnfit`` when experiments need the ports and none answers.
        """
        with console.step(f"wait until the Service has {replicas} replicas"):
            wait_until(
                f"{replicas} replicas in the Service",
                k8s_api.tolerant(lambda: self._in_service(replicas)),
                timeout=serving.TIMEOUT_S,
                state=lambda: str(self.replicas()),
            )
        if self._reachable():
            super().await_serving(replicas)
            return
        ports = ", ".join(each.url for each in self.endpoints())
        hint = f"`invoke k8s-forward --context {self.control.access.context}` leads to one replica"
        if self.probed:
            raise HostUnfit(f"no node's port answers here: {ports}", hint)
        console.warn(f"not asked from outside, no node's port answers here: {ports}; {hint}")

    def undeploy(self) -> None:
        """Remove the app and its data; whatever else is in the namespace stays."""
        where, within = ("-n", self.guest), f"--timeout={GONE}"
        data = k8s_guest.holds_data(self.control)
        if data:
            claim = ("pvc", k8s_guest.CLAIM)
            self.control.run("delete", *where, *claim, "--ignore-not-found", "--wait=false")
        with console.step("wait until the app's pods and its data are gone"):
            self.remove_labelled(RELEASE, flags=("--cascade=foreground", within))
            if data:
                self.control.run("wait", *where, "--for=delete", f"pvc/{k8s_guest.CLAIM}", within)

    def delete(self) -> None:
        """The same, and forget the key that was sent there."""
        self.undeploy()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _in_service(self, replicas: int) -> bool:
        ready = {each.name for each in self.replicas() if each.ready}
        routed = k8s_objects.routed(self.control.api.slices(self.control.namespace, "web"))
        return len(ready) == replicas and ready == routed

    def _reachable(self) -> bool:
        path = self.images.subject.health
        with suppress(WaitTimeout):
            return wait_until(
                "a node's port answers",
                lambda: any(serving.get(each.url, path) is not None for each in self.endpoints()),
                timeout=REACH_S,
            )
        return False


def named(
    context: str, namespace: str = "", registry_address: str = "", *, probed: bool = False
) -> Callable[[ImageStore], ExistingKubernetes] | None:
    """The adapter of the cluster that a context names; None if none is given.

    Raises what ``access.find`` raises, and ``UsageError`` for a registry alone.
    """
    access = k8s_access.find(context, namespace)
    if access is None:
        if registry_address:
            hint = "name one with --context; the lab's own has a registry"
            raise UsageError("--registry is for a cluster elsewhere", hint)
        return None
    return lambda images: ExistingKubernetes(images, access, registry_address, probed=probed)
