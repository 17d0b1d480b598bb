"""Kubernetes: three kind nodes, one Deployment, one StatefulSet."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from orchlab import console, labels, shell, sweep
from orchlab.images.node import tools
from orchlab.images.registry import Registry
from orchlab.images.store import Image, ImageStore
from orchlab.platforms.autoscaling import Policy
from orchlab.platforms.base import Endpoint, Facts
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import autoscaler as k8s_autoscaler
from orchlab.platforms.k8s import balancer as k8s_balancer
from orchlab.platforms.k8s import kind, kind_config
from orchlab.platforms.k8s import logs as k8s_logs
from orchlab.platforms.k8s import metrics as k8s_metrics
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.app import OPTIONAL, KubernetesApp
from orchlab.platforms.k8s.backup import Backup
from orchlab.platforms.k8s.jobs import Jobs
from orchlab.platforms.k8s.kind_config import NODE_IMAGES, Size
from orchlab.platforms.k8s.maintenance import Maintenance
from orchlab.platforms.k8s.network_modes import NetworkModes
from orchlab.platforms.k8s.node_faults import ClusterFaults
from orchlab.platforms.k8s.strangers import Strangers
from orchlab.platforms.k8s.watch import Watch
from orchlab.wait import wait_until

GONE_S = 120.0
WORKLOADS = "deployments,statefulsets"
DESCRIBED = "all,configmaps,persistentvolumeclaims,events,networkpolicies"


class Kubernetes(
    KubernetesApp, Maintenance, Backup, ClusterFaults, Strangers, NetworkModes, Watch, Jobs
):
    """The lab's own kind cluster, with a kubeconfig of its own.

    ``size`` is what ``create`` makes, and insists on; None takes what there is. ``keep``:
    a cluster that could not be finished is left, to be looked at. ``node`` is the name of
    the nodes' image in the catalogue; without it, of the one that there are nodes of.
    """

    registry: Registry

    optional = f"{OPTIONAL},priorityclasses"
    entry = "127.0.0.1, engine's port mapping"

    def __init__(
        self, images: ImageStore, size: Size | None = None, *, keep: bool = False, node: str = ""
    ) -> None:
        super().__init__(images, Registry(images))
        self.size = size
        self.keep = keep
        self._node = node

    @property
    def node(self) -> str:
        """So a cluster that has to be made anew gets the network that it had."""
        return self._node or NODE_IMAGES[kind_config.network_of(k8s_nodes.nodes())]

    @property
    def directory(self) -> Path:
        """Beside the kubeconfig."""
        return k8s_api.kubeconfig().parent / "release"

    def prepare(self) -> None:
        """Bring the images of nodes, registry and Redis into the engine, kind and kubectl here."""
        names = [self.node, "registry", "redis"]
        if self.size and self.size.control_planes > 1:
            names.append(k8s_balancer.NAME)
        for name in names:
            self.images.ensure(name)
        tools.kind()
        tools.kubectl(self.images.ensure("kind-node").reference)

    def create(self) -> None:
        """Make the cluster, or start or mend the one there is."""
        node_image = self.images.ensure(self.node)
        self.registry.start(k8s_nodes.ensure_network())
        cluster = kind.Cluster(tools.kind(), self.control.kubectl, self.images, keep=self.keep)
        cluster.ensure(node_image, self.registry.host, self.size)
        self.control.forget()

    def publish(self, image: Image) -> None:
        """Push to the registry; pull where a node lacks it, so that no start waits for a pull."""
        reference = self.registry.push(image)
        content = f"{reference.rpartition(':')[0]}@{self.registry.digest(image)}"
        if not self._everywhere({reference, content}):
            with console.step(f"k8s: {reference} to every node"):
                k8s_nodes.pull(reference, content)
        self.published[image.reference] = reference

    def apply(self) -> None:
        """Bring the cluster to the release; an autoscaler that was left behind ends."""
        if k8s_autoscaler.find(self.control):
            k8s_autoscaler.remove(self.control)
        super().apply()

    def endpoints(self) -> list[Endpoint]:
        """Each running node's NodePort, as the engine publishes it."""
        return [
            Endpoint(node, f"http://127.0.0.1:{port}") for node, port in k8s_nodes.ports().items()
        ]

    def autoscale(self, policy: Policy) -> None:
        """Let the cluster set the number of replicas by their CPU, until Ctrl-C; the last stays.

        Raises ``OrchlabError`` when the app is not deployed, ``WaitTimeout`` when nothing
        can be measured.
        """
        self._measure_pods()
        k8s_autoscaler.Autoscaler(self.control, policy).run()

    @contextmanager
    def autoscaled(self, policy: Policy) -> Iterator[None]:
        """Let the cluster set the number of replicas while the block runs; the last stays."""
        self._measure_pods()
        try:
            k8s_autoscaler.Autoscaler(self.control, policy).apply()
            yield
        finally:
            k8s_autoscaler.remove(self.control)
            k8s_metrics.remove(self.control)

    def facts(self) -> Facts:
        """Versions, data path and every timer and knob that the cluster reports."""
        facts = super().facts()
        version = shell.run([tools.kind(), "version"], echo=False).split()[1]
        return replace(facts, versions=facts.versions | {"kind": version})

    def collect_logs(self, into: Path) -> None:
        """Logs of every pod, now and before a restart, objects, events, and the nodes' own logs."""
        if not k8s_nodes.nodes():
            return
        super().collect_logs(into)
        k8s_logs.collect_cluster(into, partial(self.control.run, echo=False), tools.kind())

    def undeploy(self) -> None:
        """Remove the namespace with all that is in it, and its volumes."""
        if not k8s_nodes.nodes():
            return
        self.remove_labelled(self.optional)
        # While there are pods, the namespace's controller looks again only after half their grace.
        # Nobody is to be served any more, so nobody has to be drained.
        flags = ["--all", "--cascade=foreground", "--now"]
        self.control.run("delete", WORKLOADS, "-n", NAMESPACE, *flags)
        self.control.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")
        with console.step("wait until the app's namespace and volumes are gone"):
            wait_until(
                "the app's namespace and volumes gone",
                lambda: not self.control.api.leftovers(),
                timeout=GONE_S,
                pause=0.5,
                state=lambda: ", ".join(self.control.api.leftovers()),
            )

    def delete(self) -> None:
        """Remove the nodes, their network and what the lab remembers of them."""
        k8s_nodes.remove()
        sweep.sweep(labels.LAB, "k8s")
        shutil.rmtree(k8s_api.kubeconfig().parent, ignore_errors=True)
        self.control.forget()

    def describe(self) -> str:
        """What the API shows of all objects of the app, but for those that are secrets."""
        return self.control.run("get", DESCRIBED, "-n", NAMESPACE, "-o", "json", echo=False)

    def _published(self, image: Image) -> str:
        """Also under the tag ``current``, which the files in ``k8s/`` name."""
        reference = super()._published(image)
        repository = image.reference.rpartition(":")[0]
        self.registry.push(Image(f"{repository}:current", image.id))
        return reference

    def _everywhere(self, names: set[str]) -> bool:
        """Whether each node that is on says that it has one image of all these names."""
        held = k8s_api.tolerant(self.control.api.images)() or {}
        return all(
            any(names <= image for image in held.get(node, ())) for node in k8s_nodes.running()
        )

    def _measure_pods(self) -> None:
        self.rollouts.require()
        image = self.images.ensure(k8s_metrics.NAME)
        k8s_metrics.ensure(self.control, self._published(image))
