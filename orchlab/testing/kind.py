"""A cluster of three nodes that kind makes, for somebody's manifests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import yaml

from orchlab import console
from orchlab.platforms.base import ClusterNode, Endpoint, Replica
from orchlab.platforms.k8s import api, logs, objects
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.testing.images import for_nodes
from orchlab.testing.lab import Lab
from orchlab.testing.stacks import directory, named

WORKLOADS = "deployments,statefulsets,daemonsets"
ROLLOUT = "180s"


class KindStack:
    """Manifests that are applied in a ``namespace`` of their own; every rollout is complete."""

    def __init__(self, platform: Kubernetes, namespace: str) -> None:
        self._platform = platform
        self.namespace = namespace

    def kubectl(self, *argv: str | Path) -> str:
        """What ``kubectl`` printed in the namespace; raises ``CommandFailed``."""
        return self._platform.control.run("-n", self.namespace, *argv)

    def replicas(self, selector: str = "") -> list[Replica]:
        """The pods that were not told to end, by label selector or all."""
        return objects.replicas(self._platform.control.api.pods(self.namespace, selector))

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command inside and return its stdout; raises ``CommandFailed``."""
        return self.kubectl("exec", replica.name, "--", *argv)

    def crash(self, replica: Replica) -> None:
        """SIGKILL its process from its node; raises unless it is verifiably gone."""
        self._platform.crash(replica)

    def hang(self, replica: Replica) -> None:
        """SIGSTOP its process from its node; raises unless it is verifiably stopped."""
        self._platform.hang(replica)

    def resume(self, replica: Replica) -> None:
        """SIGCONT it; nothing to do for one that was replaced meanwhile."""
        self._platform.resume(replica)

    def collect_logs(self, into: Path) -> None:
        """Each pod's log, objects and events of the namespace."""
        into.mkdir(parents=True, exist_ok=True)
        control = self._platform.control
        kubectl = partial(control.run, echo=False)
        logs.collect(into, control.api.pods(self.namespace), kubectl, self.namespace)


class KindLab:
    """A control plane and two workers; ``fault`` stops and cuts them, by the names in ``nodes()``.

    ``kubeconfig`` leads to it, for a client of your own.
    """

    def __init__(self, lab: Lab, platform: Kubernetes) -> None:
        self._lab = lab
        self._platform = platform
        self.kubeconfig = api.kubeconfig()

    def kubectl(self, *argv: str | Path) -> str:
        """What ``kubectl`` printed; raises ``CommandFailed``."""
        return self._platform.control.run(*argv)

    def endpoints(self) -> list[Endpoint]:
        """Each node's NodePort 30080, as the engine publishes it on 127.0.0.1."""
        return self._platform.endpoints()

    def nodes(self) -> list[ClusterNode]:
        """What the API server says of each node."""
        return self._platform.nodes()

    def stop(self, node: str) -> None:
        """Cut a node's power; raises unless it is off."""
        self._platform.stop(node)

    def start(self, node: str) -> None:
        """Turn it on; returns when the cluster counts on it again."""
        self._platform.start(node)

    def cut(self, node: str) -> None:
        """Drop all traffic between a node and the others; raises unless some was dropped."""
        self._platform.cut(node)

    def mend(self) -> None:
        """Undo every cut."""
        self._platform.mend()

    def forget_attempts(self) -> None:
        """Let every node forget the connections that nobody answered; ``fault`` does it last."""
        self._platform.forget_attempts()

    @contextmanager
    def deploy(self, file: Path) -> Iterator[KindStack]:
        """Apply a file of manifests in a namespace of its own, which the block's end removes.

        The block begins when every rollout is complete. Images that this machine's engine
        has are brought to the nodes. Raises ``CommandFailed`` with what ``kubectl`` said.
        """
        deployed = KindStack(self._platform, named(file))
        try:
            with console.step(f"kind: deploy {file}"):
                self._apply(file, deployed)
            yield deployed
        finally:
            if not self._lab.keep:
                self.kubectl("delete", "namespace", deployed.namespace, "--ignore-not-found")

    def collect_logs(self, into: Path) -> None:
        """Logs of the nodes and of the cluster's own pods, and its events."""
        self._platform.collect_logs(into)

    def _apply(self, file: Path, deployed: KindStack) -> None:
        manifests = [each for each in yaml.safe_load_all(file.read_text()) if each]
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": deployed.namespace}}
        resolved = directory() / f"{deployed.namespace}.yaml"
        found = [space, *(self._with_images(each) for each in manifests)]
        resolved.write_text(yaml.safe_dump_all(found))
        deployed.kubectl("apply", "-f", resolved)
        for each in deployed.kubectl("get", WORKLOADS, "-o", "name").split():
            deployed.kubectl("rollout", "status", each, f"--timeout={ROLLOUT}")

    def _with_images(self, part: Any) -> Any:  # noqa: ANN401 - any part of a manifest
        """The same with every container's image as the nodes pull it."""
        if isinstance(part, list):
            return [self._with_images(each) for each in part]
        if not isinstance(part, dict):
            return part
        changed = {key: self._with_images(value) for key, value in part.items()}
        for kind in ("containers", "initContainers"):
            for each in changed.get(kind) or ():
                each["image"] = for_nodes(self._platform, each["image"])
        return changed


@contextmanager
def cluster(lab: Lab) -> Iterator[KindLab]:
    """The session's nodes, made if there are none; whoever leaves them last removes them."""
    with lab.nodes("k8s") as platform:
        yield KindLab(lab, cast("Kubernetes", platform))
