"""How the experiments are called on the page, and in which order they stand there."""

from __future__ import annotations

from collections.abc import Iterable

SUBJECTS: dict[str, dict[str, str]] = {
    "Rollout": {
        "update": "The app is updated",
        "failing-image": "The new image never gets healthy",
        "missing-image": "The new image does not exist",
    },
    "Healing": {
        "crash": "A process crashes",
        "hang": "A process hangs",
        "node-loss": "A node dies",
        "control-loss": "The control plane dies",
        "partition": "A node is cut off",
    },
    "Scaling": {
        "scale": "Replicas are added and removed",
        "autoscale": "The load rises",
        "drain": "A node is drained",
    },
    "Volumes": {
        "recreate": "Redis is replaced",
        "ledger": "Redis is killed",
        "node-data": "The node with the data dies",
        "mounts": "What is mounted",
        "backup": "A backup is restored",
    },
    "Networking": {
        "names": "Names resolve",
        "balance": "Requests are spread",
        "entries": "Every node answers",
        "isolation": "A stranger asks Redis",
        "network-cost": "What the network costs",
        "network-modes": "Network modes",
    },
    "Secrets": {"canary": "A secret is looked for"},
    "Control": {"control": "Nothing is broken"},
}
"""Subject -> experiment -> what happens in it, in a few words."""

SHORT = ("update", "crash", "hang", "node-loss", "failing-image", "scale", "ledger")
"""The experiments whose answers stand first: what most readers come for."""

TITLES = {name: title for group in SUBJECTS.values() for name, title in group.items()}
OTHER = "Other"


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """Experiments by subject, in the order of the page; those it doesn't know come last."""
    given = list(dict.fromkeys(names))
    found = {
        subject: [name for name in group if name in given] for subject, group in SUBJECTS.items()
    }
    found[OTHER] = [name for name in given if name not in TITLES]
    return {subject: group for subject, group in found.items() if group}
