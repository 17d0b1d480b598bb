"""Reading a cluster through the official client, with the lab's private kubeconfig."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import urllib3.exceptions
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from orchlab import paths
from orchlab.errors import OrchlabError
from orchlab.platforms.k8s import objects as k8s_objects

T = TypeVar("T")

NAMESPACE = "orchlab"
SYSTEM = ("kube-system", "local-path-storage")
LEASES = "kube-node-lease"
CONTROLLERS = "kube-controller-manager"
"""The lease by which control planes agree on the one whose controllers act."""
TIMEOUT_S = 10
UNREACHABLE = (urllib3.exceptions.HTTPError, ApiException)


def kubeconfig() -> Path:
    """The private kubeconfig of this lab's cluster."""
    return paths.lab_dir() / "k8s" / "kubeconfig"


class Api:
    """The API groups that the lab reads; every request ends within ``TIMEOUT_S`` seconds."""

    def __init__(self) -> None:
        path = kubeconfig()
        if not path.exists() or not yaml.safe_load(path.read_text()):
            raise OrchlabError(
                "this lab has no Kubernetes cluster", "`invoke k8s-deploy` makes one"
            )
        self.client: Any = config.new_client_from_config(str(path))  # type: ignore[no-untyped-call,unused-ignore]
        self.core = client.CoreV1Api(self.client)
        self.apps = client.AppsV1Api(self.client)
        self.leases = client.CoordinationV1Api(self.client)
        self.discovery = client.DiscoveryV1Api(self.client)
        self.networking = client.NetworkingV1Api(self.client)
        self.version = client.VersionApi(self.client)

    def pods(self, namespace: str, selector: str = "") -> list[Any]:
        """The pods of a namespace, as the API reports them now."""
        return _items(
            self.core.list_namespaced_pod(
                namespace, label_selector=selector, _request_timeout=TIMEOUT_S
            )
        )

    def deployment(self, namespace: str, name: str) -> Any:  # noqa: ANN401 - the client's objects
        """The Deployment of that name, or None."""
        found = self.apps.list_namespaced_deployment(
            namespace, field_selector=f"metadata.name={name}", _request_timeout=TIMEOUT_S
        )
        return next(iter(_items(found)), None)

    def replica_sets(self, namespace: str, selector: str) -> list[Any]:
        """The ReplicaSets of a namespace: a Deployment keeps one per revision."""
        return _items(
            self.apps.list_namespaced_replica_set(
                namespace, label_selector=selector, _request_timeout=TIMEOUT_S
            )
        )

    def events(self, namespace: str) -> list[Any]:
        """What the cluster reported about a namespace; it forgets after an hour."""
        return _items(self.core.list_namespaced_event(namespace, _request_timeout=TIMEOUT_S))

    def policies(self, namespace: str) -> list[Any]:
        """The NetworkPolicies of a namespace, whether or not anything enforces them."""
        return _items(
            self.networking.list_namespaced_network_policy(namespace, _request_timeout=TIMEOUT_S)
        )

    def slices(self, namespace: str, service: str) -> list[Any]:
        """The EndpointSlices of a Service."""
        return _items(
            self.discovery.list_namespaced_endpoint_slice(
                namespace,
                label_selector=f"kubernetes.io/service-name={service}",
                _request_timeout=TIMEOUT_S,
            )
        )

    def nodes(self) -> list[Any]:
        """The cluster's nodes."""
        return _items(self.core.list_node(_request_timeout=TIMEOUT_S))

    def leader(self) -> str:
        """The control plane whose controllers act now; empty while none does."""
        lease = self.leases.read_namespaced_lease(
            CONTROLLERS, "kube-system", _request_timeout=TIMEOUT_S
        )
        return k8s_objects.holder(lease, datetime.now(UTC))

    def leftovers(self) -> list[str]:
        """The app's namespace and those volumes of its claims that still exist."""
        spaces = _items(self.core.list_namespace(_request_timeout=TIMEOUT_S))
        volumes = _items(self.core.list_persistent_volume(_request_timeout=TIMEOUT_S))
        names = [each.metadata.name for each in spaces if each.metadata.name == NAMESPACE]
        return names + [
            each.metadata.name
            for each in volumes
            if each.spec.claim_ref and each.spec.claim_ref.namespace == NAMESPACE
        ]

    def unready_nodes(self, started: dict[str, datetime]) -> list[str]:
        """Names in ``started`` that are not Ready, or whose word is older than their start.

        After a restart the API goes on reporting what was true before it; only a
        lease renewed since then shows that the kubelet is back.
        """
        nodes = {node.metadata.name: node for node in self.nodes()}
        leases = _items(self.leases.list_namespaced_lease(LEASES, _request_timeout=TIMEOUT_S))
        renewed = {each.metadata.name: each.spec.renew_time for each in leases}
        return [
            name
            for name, since in started.items()
            if name not in nodes
            or not k8s_objects.condition(nodes[name], "Ready")
            or renewed.get(name, since) <= since
        ]

    def unready_system(self, started: dict[str, datetime]) -> list[str]:
        """Deployments, daemon sets and pods of the cluster itself that are not ready yet."""
        return [name for namespace in SYSTEM for name in self._unready_in(namespace, started)]

    def _unready_in(self, namespace: str, started: dict[str, datetime]) -> list[str]:
        limit: dict[str, Any] = {"_request_timeout": TIMEOUT_S}
        names = [
            each.metadata.name
            for each in _items(self.apps.list_namespaced_deployment(namespace, **limit))
            if (each.status.ready_replicas or 0) < each.spec.replicas
        ]
        names += [
            each.metadata.name
            for each in _items(self.apps.list_namespaced_daemon_set(namespace, **limit))
            if (each.status.number_ready or 0) < max(1, each.status.desired_number_scheduled or 0)
        ]
        return names + [
            pod.metadata.name
            for pod in self.pods(namespace)
            if pod.status.phase != "Succeeded"
            and not (
                k8s_objects.condition(pod, "Ready")
                and pod.spec.node_name in started
                and k8s_objects.started_since(pod, started[pod.spec.node_name])
            )
        ]


def _items(answer: Any) -> list[Any]:  # noqa: ANN401 - in the client's types all is optional
    return list(answer.items)


def tolerant(check: Callable[[], T]) -> Callable[[], T | None]:
    """``check`` for a waiter: None while the API does not answer."""

    def attempt() -> T | None:
        with suppress(*UNREACHABLE):
            return check()
        return None

    return attempt
