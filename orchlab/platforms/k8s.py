"""Kubernetes: three kind nodes, one Deployment, one StatefulSet."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from orchlab import console, labels, shell, sweep
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.node import tools
from orchlab.images.registry import Registry
from orchlab.images.store import Image, ImageStore
from orchlab.names import pick
from orchlab.platforms import (
    k8s_api,
    k8s_facts,
    k8s_logs,
    k8s_nodes,
    k8s_objects,
    k8s_release,
    kind,
    serving,
)
from orchlab.platforms.base import Endpoint, Facts, Release, Replica
from orchlab.platforms.k8s_api import NAMESPACE, Api
from orchlab.platforms.k8s_store import Store
from orchlab.wait import wait_until

VARIANTS = {"defaults": k8s_release.BASE}
WEB = "app=web"
ROLLOUT = "180s"
GONE_S = 120.0
KILLED_S = 5.0


class Kubernetes:
    """The lab's own kind cluster, with a kubeconfig of its own."""

    name = "k8s"
    variants = tuple(VARIANTS)

    def __init__(self, images: ImageStore) -> None:
        self.images = images
        self.registry = Registry(images)
        self.published: dict[str, str] = {}

    def prepare(self) -> None:
        """Bring the images of nodes, registry and Redis into the engine, kind and kubectl here."""
        for name in ("kind-node", "registry", "redis"):
            self.images.ensure(name)
        tools.kind()
        tools.kubectl(self.images.ensure("kind-node").reference)

    def create(self) -> None:
        """Make the cluster, or start or mend the one there is."""
        node_image = self.images.ensure("kind-node")
        self.registry.start(k8s_nodes.ensure_network())
        kind.Cluster(tools.kind(), self._kubectl).ensure(node_image, self.registry.host)
        self.__dict__.pop("_api", None)

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
        pick("variant", release.variant, VARIANTS)
        directory = k8s_api.kubeconfig().parent / "release"
        references = {
            k8s_release.APP: self._published(release.image),
            k8s_release.REDIS: self._published(self.images.ensure("redis")),
        }
        k8s_release.write(directory, references, release.replicas)
        self._run("apply", "-k", directory)
        for workload in ("statefulset/redis", "deployment/web"):
            self._await_rollout(workload)
        self._await_serving(release.replicas)

    def replicas(self) -> list[Replica]:
        """The Deployment's pods that were not told to end."""
        return k8s_objects.replicas(self._api.pods(NAMESPACE, WEB))

    def endpoints(self) -> list[Endpoint]:
        """Each running node's NodePort, as the engine publishes it."""
        return [
            Endpoint(node, f"http://127.0.0.1:{port}") for node, port in k8s_nodes.ports().items()
        ]

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command inside a replica and return its stdout."""
        return self._run("exec", "-n", NAMESPACE, replica.name, "--", *argv)

    def facts(self) -> Facts:
        """Versions, data path and every timer and knob that the cluster reports."""
        version = shell.run([tools.kind(), "version"], echo=False).split()[1]
        configz = self._run(
            "get", "--raw", f"/api/v1/nodes/{k8s_nodes.nodes()[-1].name}/proxy/configz"
        )
        facts = k8s_facts.gather(self._api, json.loads(configz)["kubeletconfig"])
        store = Store(self._api, self._run)
        return replace(
            facts,
            versions=facts.versions | {"kind": version, "redis": store.version()},
            knobs=facts.knobs | {"redis appendfsync": f"{store.fsync()} (default)"},
        )

    def collect_logs(self, into: Path) -> None:
        """Logs of every pod, now and before a restart, objects, events, and the nodes' own logs."""
        if not k8s_nodes.nodes():
            return
        into.mkdir(parents=True, exist_ok=True)
        k8s_logs.collect_nodes(into, tools.kind())
        pods = k8s_api.tolerant(lambda: self._api.pods(NAMESPACE))() or []
        k8s_logs.collect(into, pods, partial(self._run, echo=False))

    def undeploy(self) -> None:
        """Remove the namespace with all that is in it, and its volumes."""
        if not k8s_nodes.nodes():
            return
        self._run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")
        with console.step("wait until the app's namespace and volumes are gone"):
            wait_until(
                "the app's namespace and volumes gone",
                lambda: not self._api.leftovers(),
                timeout=GONE_S,
                pause=0.5,
                state=lambda: ", ".join(self._api.leftovers()),
            )

    def delete(self) -> None:
        """Remove the nodes, their network and what the lab remembers of them."""
        k8s_nodes.remove()
        sweep.sweep(labels.LAB, "k8s")
        shutil.rmtree(k8s_api.kubeconfig().parent, ignore_errors=True)
        self.__dict__.pop("_api", None)

    def crash(self, replica: Replica) -> None:
        """SIGKILL the container's first process; raises unless it is verifiably gone."""
        pid = k8s_nodes.task_pids(replica.node).get(replica.id)
        if pid is None:
            raise OrchlabError(f"replica {replica.name} runs no process on {replica.node}")
        shell.run(["docker", "exec", replica.node, "kill", "-KILL", str(pid)])
        wait_until(
            f"process {pid} of {replica.name} gone",
            lambda: replica.id not in k8s_nodes.task_pids(replica.node),
            timeout=KILLED_S,
            pause=0.05,
        )

    def recreate_store(self) -> None:
        """Delete the Redis pod; returns when its successor answers the app."""
        with console.step("a new Redis pod on the same claim"):
            Store(self._api, self._run).recreate()
            serving.wait_for_store(self.endpoints, len(self.replicas()))

    @cached_property
    def _api(self) -> Api:
        return Api()

    @cached_property
    def _kubectl(self) -> Path:
        return tools.kubectl(self.images.ensure("kind-node").reference)

    def _run(
        self,
        *argv: str | Path,
        echo: bool = True,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        environment = {"KUBECONFIG": str(k8s_api.kubeconfig())}
        return shell.run([self._kubectl, *argv], env=environment, echo=echo, on_line=on_line)

    def _published(self, image: Image) -> str:
        if image.reference not in self.published:
            self.publish(image)
        return self.published[image.reference]

    def _await_rollout(self, workload: str) -> None:
        status = ("rollout", "status", "-n", NAMESPACE, workload, f"--timeout={ROLLOUT}")
        try:
            with console.step(f"roll out {workload}") as detail:
                self._run(*status, on_line=detail)
        except CommandFailed as error:
            reasons = [
                line for pod in self._api.pods(NAMESPACE) for line in k8s_objects.trouble(pod)
            ]
            why = reasons[0] if reasons else error.output.strip()
            raise OrchlabError(
                f"{workload} did not roll out: {why}",
                f"KUBECONFIG={k8s_api.kubeconfig()} {self._kubectl} describe pods -n {NAMESPACE}",
            ) from error

    def _await_serving(self, replicas: int) -> None:
        with console.step(f"wait until every node's port reaches {replicas} replicas"):
            serving.wait(self.endpoints, self.replicas, replicas)
