"""What each platform has to be told so that it keeps a promise, and what it does untold.

The lines are taken out of ``stacks/`` and ``k8s/`` when the page is made; see ``excerpts``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchlab.report.excerpts import Excerpt, excerpt

COMPOSE = "stacks/compose.hardened.yaml"
SWARM = "stacks/swarm.hardened.yaml"
EDGE = "stacks/edge/haproxy.cfg"
K8S = "k8s/overlays/hardened/web.yaml:Deployment/web.spec"
K8S_REDIS = "k8s/overlays/hardened/redis.yaml:StatefulSet/redis.spec"
NETWORK = "k8s/overlays/hardened/network.yaml"
POD = f"{K8S}.template.spec"
CONTAINER = f"{POD}.containers.0"


@dataclass(frozen=True)
class Promise:
    """``anchors``: platform -> what it has to be told; ``notes`` says what no file can.

    ``knobs``: platform -> the knobs whose value in the variant ``defaults`` stands beside it.
    """

    title: str
    anchors: Mapping[str, Sequence[str]]
    notes: Mapping[str, str] = field(default_factory=dict)
    knobs: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def excerpts(self, platform: str) -> list[Excerpt]:
        """The lines on that platform."""
        return [excerpt(anchor) for anchor in self.anchors.get(platform, ())]


PROMISES = (
    Promise(
        "An update loses nothing",
        {
            "compose": [
                f"{COMPOSE}:services.web.stop_grace_period",
                f"{EDGE}:~default-server check",
            ],
            "swarm": [
                f"{SWARM}:services.web.deploy.update_config.order",
                f"{SWARM}:services.web.deploy.update_config.delay",
                f"{SWARM}:services.web.stop_grace_period",
            ],
            "k8s": [f"{K8S}.strategy", f"{K8S}.minReadySeconds", f"{CONTAINER}.lifecycle"],
        },
        {"compose": "Compose replaces all replicas at once; compose-update takes them in turns."},
        {
            "compose": ["update", "stop grace"],
            "swarm": ["update order", "update delay", "stop grace"],
            "k8s": ["max surge", "max unavailable", "ready for at least", "preStop"],
        },
    ),
    Promise(
        "A bad image does not stay",
        {
            "swarm": [
                f"{SWARM}:services.web.deploy.update_config.monitor",
                f"{SWARM}:services.web.deploy.update_config.max_failure_ratio",
                f"{SWARM}:services.web.deploy.update_config.failure_action",
            ],
            "k8s": [f"{K8S}.progressDeadlineSeconds", f"{CONTAINER}.startupProbe"],
        },
        {
            "compose": "Compose has no setting for it; compose-update goes back by itself.",
            "k8s": "Kubernetes reports such a rollout and leaves it; k8s-update undoes it.",
        },
        {
            "compose": ["update"],
            "swarm": ["update monitor", "update max failure ratio", "update failure action"],
            "k8s": ["progress deadline", "startup failures"],
        },
    ),
    Promise(
        "A crashed process comes back",
        {
            "compose": [f"{COMPOSE}:x-hardened.restart"],
            "swarm": [f"{SWARM}:services.web.deploy.restart_policy"],
        },
        {"k8s": "Nothing to say: a Deployment's containers are always restarted."},
        {
            "compose": ["restart policy", "restart delay"],
            "swarm": ["restart condition", "restart delay"],
            "k8s": ["restart back-off", "restart back-off, longest"],
        },
    ),
    Promise(
        "A hung process gets no requests, and is replaced",
        {
            "compose": [f"{EDGE}:~option httpchk", f"{EDGE}:~default-server check"],
            "swarm": [f"{SWARM}:x-check", f"{SWARM}:services.web.healthcheck"],
            "k8s": [f"{CONTAINER}.readinessProbe", f"{CONTAINER}.livenessProbe"],
        },
        {"compose": "The edge routes around it; Docker marks it unhealthy and leaves it alone."},
        {
            "compose": ["health check", "unhealthy container"],
            "swarm": ["health check"],
            "k8s": [
                "readiness period",
                "readiness failures",
                "liveness period",
                "liveness failures",
            ],
        },
    ),
    Promise(
        "A dead node's replicas start elsewhere",
        {
            "swarm": [f"{SWARM}:services.web.deploy.placement"],
            "k8s": [f"{POD}.tolerations", f"{POD}.topologySpreadConstraints"],
        },
        {"compose": "One host: there is no elsewhere."},
        {
            "swarm": ["heartbeat", "restart delay", "placement"],
            "k8s": ["node monitor grace", "toleration of unreachable"],
        },
    ),
    Promise(
        "A stop drains",
        {
            "compose": [f"{COMPOSE}:services.web.stop_grace_period", f"{EDGE}:~option idle-close"],
            "swarm": [f"{SWARM}:services.web.stop_grace_period", f"{EDGE}:~option idle-close"],
            "k8s": [f"{POD}.terminationGracePeriodSeconds", f"{CONTAINER}.lifecycle"],
        },
        knobs={
            "compose": ["stop grace"],
            "swarm": ["stop grace"],
            "k8s": ["termination grace", "preStop"],
        },
    ),
    Promise(
        "A stranger cannot reach Redis",
        {
            "compose": [f"{COMPOSE}:services.redis.networks", f"{COMPOSE}:networks.backend"],
            "swarm": [f"{SWARM}:services.redis.networks", f"{SWARM}:networks.backend"],
            "k8s": [
                f"{NETWORK}:NetworkPolicy/default-deny.spec",
                f"{NETWORK}:NetworkPolicy/redis.spec",
            ],
        },
        {"k8s": "It holds only where the network plugin enforces policies; flannel does not."},
        {"swarm": ["overlays encrypted"]},
    ),
    Promise(
        "Acknowledged data survive",
        {
            "compose": [f"{COMPOSE}:services.redis.command", f"{COMPOSE}:services.redis.volumes"],
            "swarm": [
                f"{SWARM}:services.redis.command",
                f"{SWARM}:services.redis.volumes",
                f"{SWARM}:services.redis.deploy.placement",
            ],
            "k8s": [
                f"{K8S_REDIS}.template.spec.containers.0.command",
                "k8s/base/redis.yaml:StatefulSet/redis.spec.volumeClaimTemplates",
            ],
        },
        knobs={"compose": ["redis appendfsync"], "swarm": ["redis fsync", "redis placement"]},
    ),
    Promise(
        "No replica takes the whole machine",
        {
            "compose": [f"{COMPOSE}:services.web.deploy.resources"],
            "swarm": [f"{SWARM}:services.web.deploy.resources"],
            "k8s": [f"{CONTAINER}.resources"],
        },
        knobs={"compose": ["limits"], "swarm": ["limits", "reservations"]},
    ),
    Promise(
        "A key stays out of the environment",
        {
            "compose": [f"{COMPOSE}:services.web.secrets", f"{COMPOSE}:secrets"],
            "swarm": [f"{SWARM}:services.web.secrets", f"{SWARM}:secrets"],
            "k8s": [f"{CONTAINER}.volumeMounts.0", f"{POD}.volumes.0"],
        },
        knobs={"swarm": ["secrets"]},
    ),
)
