"""The nodes and the cluster's own pods: ready, by what they said since they started."""

from __future__ import annotations

from datetime import datetime

from orchlab.platforms.k8s import objects as k8s_objects
from orchlab.platforms.k8s.api import Api

SYSTEM = ("kube-system", "local-path-storage")
LEASES = "kube-node-lease"


def unready_nodes(api: Api, started: dict[str, datetime]) -> list[str]:
    """Names in ``started`` that are not Ready, or whose word is older than their start.

    After a restart the API goes on reporting what was true before it; only a
    lease renewed since then shows that the kubelet is back.
    """
    nodes = {node.metadata.name: node for node in api.nodes()}
    leases = api.leases(LEASES)
    renewed = {each.metadata.name: each.spec.renew_time for each in leases}
    return [
        name
        for name, since in started.items()
        if name not in nodes
        or not k8s_objects.condition(nodes[name], "Ready")
        or renewed.get(name, since) <= since
    ]


def unready_system(api: Api, started: dict[str, datetime]) -> list[str]:
    """Deployments, daemon sets and pods of the cluster itself that are not ready yet."""
    return [name for namespace in SYSTEM for name in _unready_in(api, namespace, started)]


def _unready_in(api: Api, namespace: str, started: dict[str, datetime]) -> list[str]:
    names = [
        each.metadata.name
        for each in api.deployments(namespace)
        if (each.status.ready_replicas or 0) < each.spec.replicas
    ]
    names += [
        each.metadata.name
        for each in api.daemon_sets(namespace)
        if (each.status.number_ready or 0) < max(1, each.status.desired_number_scheduled or 0)
    ]
    return names + [
        pod.metadata.name
        for pod in api.pods(namespace)
        if pod.status.phase != "Succeeded"
        and not (
            k8s_objects.condition(pod, "Ready")
            and pod.spec.node_name in started
            and k8s_objects.started_since(pod, started[pod.spec.node_name])
        )
    ]
