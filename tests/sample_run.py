"""A test double: a whole run that nobody measured, plausible enough to be drawn.

``write`` makes the directory that a real comparison leaves, with every experiment of the
specification; its numbers are drawn from a seeded generator and mean nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchlab import results
from orchlab.metrics import tally
from orchlab.outages import NS_PER_MS, NS_PER_S
from orchlab.platforms.base import Facts
from orchlab.prober.rows import append
from orchlab.records import Cell, Event, Finding, History, Outcome, Sample, Series, Verdict
from orchlab.report import digests
from orchlab.report.digest import Digest, digest

ENTRIES = {
    "compose": ["host"],
    "swarm": ["sample-m1", "sample-w1", "sample-w2"],
    "k8s": ["sample-control-plane", "sample-worker", "sample-worker2"],
}
VARIANTS = ("defaults", "hardened")
PROBED = {
    "control": 0.0,
    "balance": 0.0,
    "crash": 0.6,
    "hang": 3.0,
    "node-loss": 6.0,
    "control-loss": 2.0,
    "partition": 5.0,
    "update": 0.4,
    "missing-image": 0.0,
    "failing-image": 1.5,
    "scale": 0.2,
    "autoscale": 0.0,
    "drain": 0.1,
}
"""Experiment -> about how many seconds it disturbs clients in the variant ``defaults``."""
QUIET = (
    *("names", "entries", "isolation", "network-cost", "network-modes"),
    *("recreate", "node-data", "ledger", "mounts", "backup", "canary"),
)
EXPERIMENTS = (*PROBED, *QUIET)
START = 1_000 * NS_PER_S
BASELINE_S = 6
SHARE = {"compose": 1.0, "swarm": 0.4, "k8s": 0.35}
SOURCES = {"compose": "docker", "swarm": "swarm", "k8s": "k8s"}
KNOBS = {
    "compose": {
        "restart policy": "unless-stopped",
        "restart delay": "0.1 s, doubled up to 60 s, anew after 10 s of running (default)",
        "health check": "interval 5 s, time-out 5 s, retries 2",
        "unhealthy container": "left alone (default)",
        "stop grace": "15 s",
        "limits": "cpus 1, MiB 256, pids 100",
        "update": "one more at a time, reached before an old one goes; a bad image is undone",
        "edge check": "inter 500ms, fastinter 200ms, fall 2, rise 1",
        "redis appendfsync": "always",
    },
    "swarm": {
        "heartbeat": "5 s (default)",
        "restart condition": "any (default)",
        "restart delay": "1 s",
        "stop grace": "10 s (default)",
        "update order": "start-first",
        "update parallelism": "1 (default)",
        "update monitor": "5 s (default)",
        "update failure action": "rollback",
        "health check": "from the service: every 5 s, time-out 5 s, retries 2",
        "redis fsync": "always",
        "redis placement": "node.labels.orchlab.store == true",
        "limits": "1 processors, 256 MiB, 100 processes",
    },
    "k8s": {
        "restart back-off": "at once, then 10 s doubling, reset after 10 min (default)",
        "max surge": "1",
        "max unavailable": "0",
        "readiness period": "2 s",
        "readiness failures": "2",
        "liveness period": "5 s",
        "liveness failures": "3",
        "liveness time-out": "2 s",
        "preStop": "{'sleep': {'seconds': 5}}",
        "termination grace": "25 s",
        "progress deadline": "60 s",
        "node monitor grace": "50 s (default)",
        "toleration of unreachable": "10 s",
        "kube-proxy sync at most every": "1 s",
    },
}


def write(root: Path, repetitions: int = 2, rate: int = 20, seconds: int = 24) -> Path:
    """A complete run below ``root``; ``rate`` is in requests per second and series."""
    cells = [
        Cell(platform, variant, experiment, repetition)
        for repetition in range(1, repetitions + 1)
        for platform in ENTRIES
        for variant in VARIANTS
        for experiment in EXPERIMENTS
    ]
    run = results.open_run(root, plan(cells, repetitions))
    for platform in ENTRIES:
        for variant in VARIANTS:
            run.save_facts(platform, variant, facts(platform, variant))
        run.save_timing(platform, "create", 12.3)
        run.save_timing(platform, "deploy", 4.5)
    found = []
    for cell in cells:
        path, made = run.history(cell), history(cell, rate, seconds)
        append(path, *made.samples, *made.events)
        found.append(finding(cell, made))
    run.save_findings(found)
    run.finish("complete")
    return run.path


def write_large(root: Path) -> Path:
    """A run of six repetitions with thousands of requests in each history.

    The digests are real ones of such histories; a few stand in for all, and the rows
    themselves are left out, as they would be half a gigabyte.
    """
    path = write(root, repetitions=6, rate=1, seconds=2)
    made: dict[tuple[str, str], Digest] = {}
    for rows in results.history_files(path):
        cell = results.load_history(rows).cell
        key = cell.platform, cell.experiment
        if key not in made:
            made[key] = digest(history(replace(cell, variant="defaults"), rate=50, seconds=30))
        like = replace(made[key], variant=cell.variant, repetition=cell.repetition)
        digests.save(rows, digests.Kept(like, []))
    return path


def plan(cells: list[Cell], repetitions: int) -> dict[str, Any]:
    """The plan of a run of every experiment."""
    return {
        "profile": "full",
        "platforms": list(ENTRIES),
        "experiments": list(EXPERIMENTS),
        "repetitions": repetitions,
        "cells": [
            {
                "platform": cell.platform,
                "variant": cell.variant,
                "experiment": cell.experiment,
                "repetition": cell.repetition,
            }
            for cell in cells
        ],
        "questions": {
            "crash": "How long until clients are served again, and until capacity is back?",
            "update": "Does an update lose requests?",
        },
        "images": "auto",
    }


def facts(platform: str, variant: str) -> Facts:
    """Knobs as the adapters name them."""
    knobs = {"variant": variant, **KNOBS[platform]}
    versions = {"engine": "29.1.3", "kernel": "6.12.0", "redis": "8.0.4"}
    return Facts(versions, f"client, published port, {platform}, app", knobs)


def history(cell: Cell, rate: int, seconds: int) -> History:
    """Samples and events of one cell; experiments that do not probe leave events only."""
    dice = random.Random(str(cell))  # noqa: S311 - test data
    fault = START + BASELINE_S * NS_PER_S
    disturbed = _disturbed(cell, dice)
    samples = (
        list(_samples(cell, rate, seconds, disturbed, dice)) if cell.experiment in PROBED else []
    )
    events = list(_events(cell, fault, disturbed, dice))
    return History(cell.experiment, cell.platform, cell.variant, samples, events, cell.repetition)


def finding(cell: Cell, made: History) -> Finding:
    """A verdict and values in the form that judges give them."""
    dice = random.Random(str(cell))  # noqa: S311 - test data
    disturbed = _disturbed(cell, dice)
    verdict, summary = _verdict(cell, disturbed)
    values: dict[str, float | int | str] = {}
    if made.samples and verdict != "unsupported":
        app = [s for s in made.samples if s.series != "control"]
        values = {
            "failed_new": str(tally(s for s in app if s.series == "new")),
            "failed_reused": str(tally(s for s in app if s.series == "reused")),
            "blackout_s": f"{disturbed * 0.9:.2f} - {disturbed:.2f}" if disturbed else 0.0,
            "disturbed_s": round(disturbed, 1),
        }
        if disturbed:
            values["recovered_s"] = round(disturbed + 0.1, 3)
            slow = cell.experiment in ("hang", "node-loss") and cell.platform == "compose"
            values["capacity_s"] = "> 120" if slow else round(disturbed * 3 + dice.random(), 2)
        values["lag_p99_ms"] = 1.25
    elif cell.experiment == "ledger":
        values = {"acknowledged": 1800, "lost": 0, "fsync": "always", "unreadable_s": 1.2}
    elif cell.experiment == "network-cost":
        values = {"same_node_ms": 0.21, "across_nodes_ms": 0.35}
    return Finding(
        cell.experiment, cell.platform, cell.variant, verdict, summary, values, cell.repetition
    )


def _disturbed(cell: Cell, dice: random.Random) -> float:
    """Seconds; the hardened variant is four times better, and clean in updates."""
    base = PROBED.get(cell.experiment, 0.0) * dice.uniform(0.7, 1.6)
    if cell.variant == "hardened":
        return 0.0 if cell.experiment in ("update", "scale", "drain") else base / 4
    return base


def _verdict(cell: Cell, disturbed: float) -> tuple[Verdict, str]:  # noqa: PLR0911 - a table
    if cell.experiment in ("node-data", "drain", "control-loss") and cell.platform == "compose":
        return "unsupported", "compose lacks NodeFaults"
    if cell.experiment == "canary" and cell.repetition == 1 and cell.platform == "swarm":
        return "unknown", "the judge broke: LookupError: the history has no [canary] event"
    if cell.experiment == "balance" and cell.repetition > 1 and cell.platform == "k8s":
        return "void", "p99 send lag 31.0 ms is above 20 ms"
    if cell.experiment == "hang" and cell.platform == "compose":
        return "limit", "never healed: nobody restarts a hung process"
    if cell.experiment == "update" and disturbed:
        return "limit", "requests were lost in the update"
    if cell.experiment == "isolation" and cell.platform == "k8s":
        return "fail", "<b>Redis</b> answered a stranger"
    return "pass", "as promised"


def _samples(
    cell: Cell, rate: int, seconds: int, disturbed: float, dice: random.Random
) -> Iterator[Sample]:
    rates: dict[Series, int] = {"new": rate, "reused": rate, "control": max(1, rate // 5)}
    slower = 1.0 + 0.3 * list(ENTRIES).index(cell.platform)
    for series, each in rates.items():
        entries = ["control"] if series == "control" else ENTRIES[cell.platform]
        for i in range(seconds * each):
            at = START + i * NS_PER_S // each
            since = (at - START) / NS_PER_S - BASELINE_S
            hit = series != "control" and 0 <= since < disturbed
            bad = hit and dice.random() < SHARE[cell.platform]
            sent = at + dice.randrange(NS_PER_MS)
            took = slower * dice.lognormvariate(0.5 if series == "new" else 0.2, 0.4)
            outcome: Outcome = "fail" if bad else "ok"
            yield Sample(
                series,
                entries[i % len(entries)],
                at,
                sent,
                sent + round(took * NS_PER_MS),
                outcome,
                0 if bad else 200,
                "ServerDisconnectedError" if bad else "",
            )


def _events(cell: Cell, fault: int, disturbed: float, dice: random.Random) -> Iterator[Event]:
    yield Event(START, "window", "baseline", {"seconds": BASELINE_S})
    yield Event(START + NS_PER_S, "pressure", "cpu", {"avg10": round(dice.uniform(5, 40), 1)})
    if not disturbed:
        return
    yield Event(fault, "fault", "web.2")
    yield Event(fault + 100 * NS_PER_MS, "fault-verified", "web.2")
    detail = {"source": SOURCES[cell.platform], "node": ENTRIES[cell.platform][-1]}
    for number, state in enumerate(("failed", "assigned", "starting", "running"), start=1):
        after = round(disturbed * number * 0.6 * NS_PER_S)
        yield Event(fault + after, "platform", f"web.2: task {state}", detail)
    yield Event(fault + round((disturbed * 3 + 0.5) * NS_PER_S), "ready")
