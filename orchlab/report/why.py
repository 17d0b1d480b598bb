"""Why an answer came out as it did: a sentence with the timers and knobs that were in force.

A place in braces is the name of a knob as the platform's facts give it, of a value of the
finding, or ``data path``. A sentence that asks for more than is known is not said at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

DATA_PATH = "data path"
_PATH = dict.fromkeys(("compose", "swarm", "k8s"), "A request's way: {data path}.")
_FSYNC = dict.fromkeys(
    ("compose", "swarm", "k8s"), "Redis writes its append-only file to the disk: {fsync}."
)
_K8S_NODE = (
    "A silent node counts as lost after {node monitor grace}; its pods are replaced "
    "{toleration of unreachable} after that."
)
_K8S_STOP = (
    "A pod that leaves runs its preStop hook ({preStop}) and has {termination grace} to end."
)
_SWARM_NODE = (
    "A node is down after three missed heartbeats, one every {heartbeat}; then Swarm waits its "
    "restart delay of {restart delay} before a new task starts."
)
_SWARM_STOP = "A task that leaves has {stop grace} to end."
_EDGE = "The edge's check of a replica: {edge check}."

WHY: dict[str, dict[str, str]] = {
    "update": {
        "compose": "Update: {update}. " + _EDGE,
        "swarm": "Swarm updates {update order}, {update parallelism} at a time. " + _SWARM_STOP,
        "k8s": "At most {max surge} pods more and {max unavailable} fewer than asked for. "
        + _K8S_STOP,
    },
    "failing-image": {
        "compose": "Update: {update}.",
        "swarm": "A task that fails within {update monitor} is the update's fault; what follows: "
        "{update failure action}.",
        "k8s": "Until new pods are ready, a rollout keeps all old ones but {max unavailable}; "
        "none for {progress deadline} is reported, and Kubernetes undoes nothing by itself.",
    },
    "missing-image": {
        "compose": "Update: {update}.",
        "swarm": "A task that cannot start has failed within {update monitor}; what follows: "
        "{update failure action}.",
        "k8s": "Until new pods are ready, a rollout keeps all old ones but {max unavailable}.",
    },
    "crash": {
        "compose": "Docker's restart delay: {restart delay}. " + _EDGE,
        "swarm": "Swarm waits its restart delay of {restart delay} before a new task starts, and "
        "counts it when its health check passes ({health check}).",
        "k8s": "The kubelet restarts a container {restart back-off}; it gets traffic again after "
        "its next readiness probe, one every {readiness period}.",
    },
    "hang": {
        "compose": "An unhealthy container is {unhealthy container}. " + _EDGE,
        "swarm": "Swarm replaces a task whose health check fails ({health check}), after its "
        "restart delay of {restart delay}.",
        "k8s": "Liveness probes, one every {liveness period}, must fail {liveness failures} times "
        "before a restart; readiness probes, one every {readiness period}, take the pod out of "
        "traffic after {readiness failures} failures.",
    },
    "node-loss": {
        "compose": "One host: nothing is left to take over. Restart policy once it is back: "
        "{restart policy}.",
        "swarm": _SWARM_NODE,
        "k8s": _K8S_NODE,
    },
    "control-loss": {
        "swarm": "Tasks serve on without a leader. " + _SWARM_NODE,
        "k8s": "Pods serve on without a control plane, and nothing is replaced until it is back. "
        + _K8S_NODE,
    },
    "partition": {"swarm": _SWARM_NODE, "k8s": _K8S_NODE},
    "scale": {
        "compose": "A container that leaves has {stop grace} to end. " + _EDGE,
        "swarm": _SWARM_STOP,
        "k8s": _K8S_STOP,
    },
    "drain": {"swarm": _SWARM_STOP, "k8s": _K8S_STOP},
    "ledger": _FSYNC,
    "node-data": {
        "swarm": "A local volume stays on its node, and so does Redis: {redis placement}.",
        "k8s": "A local volume pins its pod to the node: it waits there, whatever the toleration "
        "({toleration of unreachable}).",
    },
    "balance": _PATH,
    "entries": _PATH,
    "network-cost": _PATH,
}
"""Experiment -> platform -> the sentence."""

_PLACE = re.compile(r"\{([^}]+)\}")
_PUNCTUATION = re.compile(r"[{}'\"]")


def sentence(experiment: str, platform: str, known: Mapping[str, object]) -> str:
    """The sentence with what is ``known`` in its places; empty when there is none."""
    text = WHY.get(experiment, {}).get(platform, "")
    if not places(text) <= known.keys():
        return ""
    return _PLACE.sub(lambda match: plain(known[match.group(1)]), text)


def plain(value: object) -> str:
    """A value without the punctuation of Python: some knobs are mappings."""
    return _PUNCTUATION.sub("", str(value))


def places(text: str) -> set[str]:
    """The names that a sentence asks for."""
    return set(_PLACE.findall(text))
