"""Reading a cluster through the official client, with the kubeconfig that leads to it."""

from __future__ import annotations

import json
import threading
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
"""Where the app is on the lab's own cluster."""
CONTROLLERS = "kube-controller-manager"
"""The lease by which control planes agree on the one whose controllers act."""
TIMEOUT_S = 10
UNREACHABLE = (urllib3.exceptions.HTTPError, ApiException)


def kubeconfig() -> Path:
    """The private kubeconfig of this lab's cluster."""
    return paths.lab_dir() / "k8s" / "kubeconfig"


def preload() -> None:
    """Load the client's models in the background: half a second that else nothing waits for."""
    threading.Thread(target=lambda: (client.CoreV1Api, client.AppsV1Api), daemon=True).start()


class Api:
    """The API groups that the lab reads; every request ends within ``TIMEOUT_S`` seconds.

    ``sources`` is a kubeconfig as ``KUBECONFIG`` takes it, and is never written;
    ``context`` one of its contexts, empty for the current one. Without sources the
    lab's own cluster is meant: raises ``OrchlabError`` when there is none.
    """

    def __init__(self, sources: str = "", context: str = "") -> None:
        self.client: Any = config.new_client_from_config(  # type: ignore[no-untyped-call,unused-ignore]
            sources or str(_own_kubeconfig()), context or None, persist_config=False
        )
        self.core = client.CoreV1Api(self.client)
        self.apps = client.AppsV1Api(self.client)
        self.batch = client.BatchV1Api(self.client)
        self.leases = client.CoordinationV1Api(self.client)
        self.discovery = client.DiscoveryV1Api(self.client)
        self.networking = client.NetworkingV1Api(self.client)
        self.version = client.VersionApi(self.client)

    def release(self) -> str:
        """The API server's version, such as ``v1.36.3``."""
        code: Any = self.version.get_code(_request_timeout=TIMEOUT_S)
        return str(code.git_version)

    def pods(self, namespace: str, selector: str = "") -> list[Any]:
        """The pods of a namespace, as the API reports them now."""
        return items(
            self.core.list_namespaced_pod(
                namespace, label_selector=selector, _request_timeout=TIMEOUT_S
            )
        )

    def deployment(self, namespace: str, name: str) -> Any:  # noqa: ANN401 - the client's objects
        """The Deployment of that name, or None."""
        found = self.apps.list_namespaced_deployment(
            namespace, field_selector=f"metadata.name={name}", _request_timeout=TIMEOUT_S
        )
        return next(iter(items(found)), None)

    def job(self, namespace: str, name: str) -> Any:  # noqa: ANN401 - the client's objects
        """The Job of that name."""
        return self.batch.read_namespaced_job(name, namespace, _request_timeout=TIMEOUT_S)

    def replica_sets(self, namespace: str, selector: str) -> list[Any]:
        """The ReplicaSets of a namespace: a Deployment keeps one per revision."""
        return items(
            self.apps.list_namespaced_replica_set(
                namespace, label_selector=selector, _request_timeout=TIMEOUT_S
            )
        )

    def events(self, namespace: str) -> list[Any]:
        """What the cluster reported about a namespace; it forgets after an hour."""
        return items(self.core.list_namespaced_event(namespace, _request_timeout=TIMEOUT_S))

    def policies(self, namespace: str) -> list[Any]:
        """The NetworkPolicies of a namespace, whether or not anything enforces them."""
        return items(
            self.networking.list_namespaced_network_policy(namespace, _request_timeout=TIMEOUT_S)
        )

    def slices(self, namespace: str, service: str) -> list[Any]:
        """The EndpointSlices of a Service."""
        return items(
            self.discovery.list_namespaced_endpoint_slice(
                namespace,
                label_selector=f"kubernetes.io/service-name={service}",
                _request_timeout=TIMEOUT_S,
            )
        )

    def node_port(self, namespace: str, service: str) -> int:
        """The port of every node that leads to a Service's first port."""
        found: Any = self.core.read_namespaced_service(
            service, namespace, _request_timeout=TIMEOUT_S
        )
        return int(found.spec.ports[0].node_port)

    def nodes(self) -> list[Any]:
        """The cluster's nodes."""
        return items(self.core.list_node(_request_timeout=TIMEOUT_S))

    def leader(self) -> str:
        """The control plane whose controllers act now; empty while none does."""
        lease = self.leases.read_namespaced_lease(
            CONTROLLERS, "kube-system", _request_timeout=TIMEOUT_S
        )
        return k8s_objects.holder(lease, datetime.now(UTC))

    def kubelet(self, node: str) -> dict[str, Any]:
        """The configuration in force of a node's kubelet."""
        answer: Any = self.core.connect_get_node_proxy_with_path(
            node, "configz", _preload_content=False, _request_timeout=TIMEOUT_S
        )
        return dict(json.loads(answer.data)["kubeletconfig"])

    def leftovers(self) -> list[str]:
        """The app's namespace and those volumes of its claims that still exist."""
        spaces = items(self.core.list_namespace(_request_timeout=TIMEOUT_S))
        volumes = items(self.core.list_persistent_volume(_request_timeout=TIMEOUT_S))
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


def items(answer: Any) -> list[Any]:  # noqa: ANN401 - in the client's types all is optional
    """What a list request was answered with."""
    return list(answer.items)


def tolerant(check: Callable[[], T]) -> Callable[[], T | None]:
    """``check`` for a waiter: None while the API does not answer."""

    def attempt() -> T | None:
        with suppress(*UNREACHABLE):
            return check()
        return None

    return attempt
