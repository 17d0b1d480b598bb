"""Reading a cluster through the official client, with the kubeconfig that leads to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import urllib3.exceptions
import yaml
from kubernetes import config
from kubernetes.client.exceptions import ApiException

from orchlab import paths
from orchlab.errors import OrchlabError
from orchlab.platforms.k8s import objects as k8s_objects

T = TypeVar("T")

NAMESPACE = "orchlab"
"""Where the app is on the lab's own cluster."""
CONTROLLERS = "kube-controller-manager"
"""The lease by which control planes agree on the one whose controllers act."""
TIMEOUT_S = 10
CORE = "/api/v1/namespaces"
APPS = "/apis/apps/v1/namespaces"
LEASES = "/apis/coordination.k8s.io/v1/namespaces"
UNREACHABLE = (urllib3.exceptions.HTTPError, ApiException)


def kubeconfig() -> Path:
    """The private kubeconfig of this lab's cluster."""
    return paths.lab_dir() / "k8s" / "kubeconfig"


class Api:
    """What the lab reads of a cluster; every request ends within ``TIMEOUT_S`` seconds.

    ``sources`` is a kubeconfig as ``KUBECONFIG`` takes it, and is never written;
    ``context`` one of its contexts, empty for the current one. Without sources the
    lab's own cluster is meant: raises ``OrchlabError`` when there is none.
    """

    def __init__(self, sources: str = "", context: str = "") -> None:
        self.client: Any = config.new_client_from_config(  # type: ignore[no-untyped-call,unused-ignore]
            sources or str(_own_kubeconfig()), context or None, persist_config=False
        )

    def read(self, path: str, kind: str, **query: str) -> Any:  # noqa: ANN401 - the client's objects
        """What the API server has at ``path``, as the client's model of that name.

        Not by a method of ``CoreV1Api`` and its like: to load these classes, each method with
        a model of its arguments, takes longer than all that a task asks the server. Raises
        what they raise.
        """
        request = self.client.param_serialize(
            "GET",
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        answer = self.client.call_api(*request, _request_timeout=TIMEOUT_S)
        answer.read()
        return self.client.response_deserialize(answer, {"200": kind}).data

    def items(self, path: str, kind: str, **query: str) -> list[Any]:
        """The items of a list, which is such a model, too."""
        return list(self.read(path, kind, **query).items)

    def release(self) -> str:
        """The API server's version, such as ``v1.36.3``."""
        return str(self.read("/version", "VersionInfo").git_version)

    def pods(self, namespace: str, selector: str = "") -> list[Any]:
        """The pods of a namespace, as the API reports them now."""
        return self.items(f"{CORE}/{namespace}/pods", "V1PodList", labelSelector=selector)

    def deployment(self, namespace: str, name: str) -> Any:  # noqa: ANN401 - the client's objects
        """The Deployment of that name, or None."""
        found = self.deployments(namespace, fieldSelector=f"metadata.name={name}")
        return next(iter(found), None)

    def annotations(self, namespace: str, name: str) -> dict[str, str] | None:
        """Those of the Deployment of that name; None if there is none."""
        path = f"{APPS}/{namespace}/deployments"
        found = self.read(path, "object", fieldSelector=f"metadata.name={name}")["items"]
        return dict(found[0]["metadata"].get("annotations", {})) if found else None

    def deployments(self, namespace: str, **query: str) -> list[Any]:
        """The Deployments of a namespace."""
        return self.items(f"{APPS}/{namespace}/deployments", "V1DeploymentList", **query)

    def stateful_set(self, namespace: str, name: str) -> Any:  # noqa: ANN401 - the client's objects
        """The StatefulSet of that name."""
        return self.read(f"{APPS}/{namespace}/statefulsets/{name}", "V1StatefulSet")

    def daemon_sets(self, namespace: str) -> list[Any]:
        """The DaemonSets of a namespace."""
        return self.items(f"{APPS}/{namespace}/daemonsets", "V1DaemonSetList")

    def job(self, namespace: str, name: str) -> Any:  # noqa: ANN401 - the client's objects
        """The Job of that name."""
        return self.read(f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}", "V1Job")

    def replica_sets(self, namespace: str, selector: str) -> list[Any]:
        """The ReplicaSets of a namespace: a Deployment keeps one per revision."""
        path = f"{APPS}/{namespace}/replicasets"
        return self.items(path, "V1ReplicaSetList", labelSelector=selector)

    def autoscaler(self, namespace: str, name: str) -> Any:  # noqa: ANN401 - the client's objects
        """The HorizontalPodAutoscaler of that name, or None."""
        path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"
        named = f"metadata.name={name}"
        found = self.items(path, "V2HorizontalPodAutoscalerList", fieldSelector=named)
        return next(iter(found), None)

    def events(self, namespace: str) -> list[Any]:
        """What the cluster reported about a namespace; it forgets after an hour."""
        return self.items(f"{CORE}/{namespace}/events", "CoreV1EventList")

    def policies(self, namespace: str) -> list[Any]:
        """The NetworkPolicies of a namespace, whether or not anything enforces them."""
        path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
        return self.items(path, "V1NetworkPolicyList")

    def slices(self, namespace: str, service: str) -> list[Any]:
        """The EndpointSlices of a Service."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        selector = f"kubernetes.io/service-name={service}"
        return self.items(path, "V1EndpointSliceList", labelSelector=selector)

    def service(self, namespace: str, name: str) -> Any:  # noqa: ANN401 - the client's objects
        """The Service of that name."""
        return self.read(f"{CORE}/{namespace}/services/{name}", "V1Service")

    def node_port(self, namespace: str, service: str) -> int:
        """The port of every node that leads to a Service's first port."""
        return int(self.service(namespace, service).spec.ports[0].node_port)

    def config_map(self, namespace: str, name: str) -> dict[str, str]:
        """What the ConfigMap of that name holds."""
        path = f"{CORE}/{namespace}/configmaps/{name}"
        return dict(self.read(path, "V1ConfigMap").data or {})

    def nodes(self) -> list[Any]:
        """The cluster's nodes."""
        return self.items("/api/v1/nodes", "V1NodeList")

    def images(self) -> dict[str, list[set[str]]]:
        """Node -> the names of each image that it has, which it tells every 10 s."""
        found = self.read("/api/v1/nodes", "object")["items"]
        held = {node["metadata"]["name"]: node["status"].get("images") or [] for node in found}
        return {node: [set(each["names"]) for each in images] for node, images in held.items()}

    def leases(self, namespace: str) -> list[Any]:
        """The Leases of a namespace."""
        return self.items(f"{LEASES}/{namespace}/leases", "V1LeaseList")

    def leader(self) -> str:
        """The control plane whose controllers act now; empty while none does."""
        lease = self.read(f"{LEASES}/kube-system/leases/{CONTROLLERS}", "V1Lease")
        return k8s_objects.holder(lease, datetime.now(UTC))

    def kubelet(self, node: str) -> dict[str, Any]:
        """The configuration in force of a node's kubelet."""
        found = self.read(f"/api/v1/nodes/{node}/proxy/configz", "object")
        return dict(found["kubeletconfig"])

    def leftovers(self) -> list[str]:
        """The app's namespace and those volumes of its claims that still exist."""
        spaces = self.items("/api/v1/namespaces", "V1NamespaceList")
        volumes = self.items("/api/v1/persistentvolumes", "V1PersistentVolumeList")
        names = [each.metadata.name for each in spaces if each.metadata.name == NAMESPACE]
        return names + [
            each.metadata.name
            for each in volumes
            if each.spec.claim_ref and each.spec.claim_ref.namespace == NAMESPACE
        ]


def _own_kubeconfig() -> Path:
    path = kubeconfig()
    if not path.exists() or not yaml.safe_load(path.read_text()):
        raise OrchlabError("this lab has no Kubernetes cluster", "`invoke k8s-deploy` makes one")
    return path


def tolerant(check: Callable[[], T]) -> Callable[[], T | None]:
    """``check`` for a waiter: None while the API does not answer."""

    def attempt() -> T | None:
        with suppress(*UNREACHABLE):
            return check()
        return None

    return attempt
