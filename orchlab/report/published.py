"""Numbers that others published, and what this run says about the same quantity.

They were measured on other machines, in other ways: neither proves the other wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchlab.report.matrix import LABELS, Row
from orchlab.results import Run

FIELDS = ("bound", "times", "lines")
CREATE = "create"


@dataclass(frozen=True, slots=True)
class Published:
    """``ask``: the experiment, the variant and the field of its answers that stand beside it."""

    quantity: str
    value: str
    source: str
    ask: tuple[str, str, str] | None = None


NUMBERS = (
    Published(
        "Single-node cluster to usable app (ours: all nodes, ready)",
        "k3d 19.9 s, kind 33.0 s, minikube 50.8 s",
        "minikube, timeToK8s/v1.36.0.md",
    ),
    Published(
        "Requests that a rolling update must answer",
        "95 %, the goal is 99 %",
        "Kubernetes, test/e2e/network/loadbalancer.go",
        ("update", "hardened", "bound"),
    ),
    Published(
        "5xx answers in a rollout",
        "12 of about 753 000 (readiness only), 3 (preStop), 0 (and a longer grace)",
        "dingyu.dev, article on zero downtime",
        ("update", "defaults", "bound"),
    ),
    Published(
        "Failure of a node until recovery",
        "Kubernetes 15 s, Swarm 42 s, not with default settings",
        "DOI 10.31891/2307-5732-2025-355-95, abstract",
        ("node-loss", "hardened", "times"),
    ),
    Published(
        "Overlay throughput against that between machines",
        "bridge 0.92, Swarm overlay 0.06, Calico 0.10",
        "clovertrail.github.io, 2017",
        ("network-cost", "hardened", "lines"),
    ),
    Published(
        "Length of a disruption",
        "start of the first bad to start of the next good answer, each at least 1 s; "
        "ours is given as bounds and not rounded",
        "openshift/origin, backenddisruption",
        ("crash", "hardened", "blackout"),
    ),
)


def beside(run: Run, rows: Mapping[str, Sequence[Row]]) -> list[tuple[Published, list[str]]]:
    """Each published number with a line for each platform that measured the quantity."""
    return [(each, _ours(each, run, rows)) for each in NUMBERS]


def _ours(each: Published, run: Run, rows: Mapping[str, Sequence[Row]]) -> list[str]:
    if each.ask is None:
        seconds = {name: steps.get(CREATE, 0) for name, steps in run.timings.items()}
        return [f"{LABELS.get(name, name)} {took:.1f} s" for name, took in seconds.items() if took]
    name, variant, field = each.ask
    asked = (row for group in rows.values() for row in group if row.experiment == name)
    answers = [a for row in asked if row.variant == variant for a in row.answers if a]
    said = ((a.findings[0].platform, getattr(a, field)) for a in answers)
    return [
        f"{LABELS.get(platform, platform)}: {what if isinstance(what, str) else '; '.join(what)}"
        for platform, what in said
        if what
    ]
