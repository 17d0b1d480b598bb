"""Kubernetes: three kind nodes, one Deployment, one StatefulSet."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

from orchlab import console, labels, shell, sweep
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.node import tools
from orchlab.images.store import Image, ImageStore
from orchlab.names import pick
from orchlab.platforms.autoscaling import Policy
from orchlab.platforms.base import Facts, Release
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import autoscaler as k8s_autoscaler
from orchlab.platforms.k8s import balancer as k8s_balancer
from orchlab.platforms.k8s import facts as k8s_facts
from orchlab.platforms.k8s import kind
from orchlab.platforms.k8s import logs as k8s_logs
from orchlab.platforms.k8s import metrics as k8s_metrics
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s import policy as k8s_policy
from orchlab.platforms.k8s import release as k8s_release
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.faults import Faults
from orchlab.platforms.k8s.kind_config import Size
from orchlab.platforms.k8s.node_faults import ClusterFaults
from orchlab.platforms.k8s.operations import Operations
from orchlab.platforms.k8s.release import VARIANT_KEY
from orchlab.platforms.k8s.rollout import DEPLOYMENT, now
from orchlab.wait import wait_until

ROLLOUT = "180s"
GONE_S = 120.0
OPTIONAL = "networkpolicies,poddisruptionbudgets,serviceaccounts,priorityclasses"
"""Kinds of which one variant has objects and another one has not."""


class Kubernetes(Operations, Faults, ClusterFaults):
    """The lab's own kind cluster, with a kubeconfig of its own.

    ``size`` is what ``create`` makes, and insists on; None takes what there is. ``keep``:
    a cluster that could not be finished is left, to be looked at.
    """

    variants = tuple(k8s_release.VARIANTS)

    def __init__(self, images: ImageStore, size: Size | None = None, *, keep: bool = False) -> None:
        super().__init__(images)
        self.size = size
        self.keep = keep
        self.published: dict[str, str] = {}

    def prepare(self) -> None:
        """Bring the images of nodes, registry and Redis into the engine, kind and kubectl here."""
        names = ["kind-node", "registry", "redis"]
        if self.size and self.size.control_planes > 1:
            names.append(k8s_balancer.NAME)
        for name in names:
            self.images.ensure(name)
        tools.kind()
        tools.kubectl(self.images.ensure("kind-node").reference)

    def create(self) -> None:
        """Make the cluster, or start or mend the one there is."""
        node_image = self.images.ensure("kind-node")
        self.registry.start(k8s_nodes.ensure_network())
        cluster = kind.Cluster(tools.kind(), self.control.kubectl, self.images, keep=self.keep)
        cluster.ensure(node_image, self.registry.host, self.size)
        self.control.forget()

    def publish(self, image: Image) -> None:
        """Push to the registry and pull on every node, so that no start waits for a pull.

        Also under the tag ``current``, which the files in ``k8s/`` name.
        """
        reference = self.registry.push(image)
        with console.step(f"k8s: {reference} to every node"):
            k8s_nodes.pull(reference)
        repository = image.reference.rpartition(":")[0]
        self.registry.push(Image(f"{repository}:current", image.id))
        self.published[image.reference] = reference

    def deploy(self, release: Release) -> None:
        """Apply the release; returns when every node's port answers and all replicas have.

        Raises ``UsageError`` for an unknown variant, ``OrchlabError`` with the pods'
        reasons when a rollout does not end, ``WaitTimeout`` when a port stays silent.
        """
        pick("variant", release.variant, self.variants)
        directory = k8s_api.kubeconfig().parent / "release"
        references = {
            k8s_release.APP: self._published(release.image),
            k8s_release.REDIS: self._published(self.images.ensure("redis")),
        }
        k8s_release.write(directory, references, release.replicas, release.variant)
        if k8s_autoscaler.find(self.control):
            k8s_autoscaler.remove(self.control)
        self.control.run("apply", "-k", directory)
        for workload in ("statefulset/redis", DEPLOYMENT):
            self._await_rollout(workload)
        self._remove_leftovers(release.variant)
        self.await_serving(release.replicas)

    def autoscale(self, policy: Policy) -> None:
        """Let the cluster set the number of replicas by their CPU, until Ctrl-C; the last stays.

        Raises ``OrchlabError`` when the app is not deployed, ``WaitTimeout`` when nothing
        can be measured.
        """
        self.rollouts.require()
        image = self.images.ensure(k8s_metrics.NAME)
        k8s_metrics.ensure(self.control, self._published(image))
        k8s_autoscaler.Autoscaler(self.control, policy).run()

    def facts(self) -> Facts:
        """Versions, data path and every timer and knob that the cluster reports."""
        version = shell.run([tools.kind(), "version"], echo=False).split()[1]
        page = f"/api/v1/nodes/{k8s_nodes.nodes()[-1].name}/proxy/configz"
        configz = self.control.run("get", "--raw", page)
        written = k8s_release.declared(self.rollouts.variant())
        facts = k8s_facts.gather(self.control.api, json.loads(configz)["kubeletconfig"], written)
        fsync = self.store.fsync()
        return replace(
            facts,
            versions=facts.versions | {"kind": version, "redis": self.store.version()},
            knobs=facts.knobs
            | {
                "redis appendfsync": f"{fsync} (default)" if fsync == "everysec" else fsync,
                "network policies": k8s_policy.in_force(self.control, self.replicas()),
            },
        )

    def collect_logs(self, into: Path) -> None:
        """Logs of every pod, now and before a restart, objects, events, and the nodes' own logs."""
        if not k8s_nodes.nodes():
            return
        into.mkdir(parents=True, exist_ok=True)
        k8s_logs.collect_nodes(into, tools.kind())
        pods = k8s_api.tolerant(lambda: self.control.api.pods(NAMESPACE))() or []
        k8s_logs.collect(into, pods, partial(self.control.run, echo=False))

    def undeploy(self) -> None:
        """Remove the namespace with all that is in it, and its volumes."""
        if not k8s_nodes.nodes():
            return
        self._remove_optional(f"{labels.KEY}={labels.LAB}")
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

    def _published(self, image: Image) -> str:
        if image.reference not in self.published:
            self.publish(image)
        return self.published[image.reference]

    def _remove_leftovers(self, variant: str) -> None:
        """Remove what another variant brought and this one has not: ``apply`` leaves it."""
        policies = self.control.api.policies(NAMESPACE)
        if any((each.metadata.labels or {}).get(VARIANT_KEY) != variant for each in policies):
            self._remove_optional(f"{VARIANT_KEY}!={variant}")

    def _remove_optional(self, selector: str) -> None:
        selector = f"{labels.KEY}={labels.LAB},{selector}"
        self.control.run("delete", OPTIONAL, "-n", NAMESPACE, "-l", selector)

    def _await_rollout(self, workload: str) -> None:
        since = now()
        status = ("rollout", "status", "-n", NAMESPACE, workload, f"--timeout={ROLLOUT}")
        try:
            with console.step(f"roll out {workload}") as detail:
                self.control.run(*status, on_line=detail)
        except CommandFailed as error:
            of_app = workload == DEPLOYMENT
            reason = self.rollouts.failed(since) if of_app else self.rollouts.why(since)
            raise OrchlabError(
                f"{workload} did not roll out: {reason}",
                "`invoke k8s-status` shows the pods and what the cluster says about them",
            ) from error
