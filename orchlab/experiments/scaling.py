"""Scaling: experiments 10 and 12, more and fewer replicas, and a node that is emptied."""

from __future__ import annotations

from typing import cast

from orchlab.experiments.base import (
    BOTH,
    RECOVERY,
    Bench,
    Needs,
    finding,
    measured,
    start_of,
)
from orchlab.experiments.evidence import (
    asked,
    broken_promise,
    elapsed_s,
    entering,
    entries,
    lost,
    seconds_between,
)
from orchlab.experiments.workers import spread, spread_worker
from orchlab.platforms.base import Drainable, NodeFaults, Scalable
from orchlab.records import Finding, History

STEPS = (6, 2)
SETTLED = 3.0


class Scale:
    """10: to twice the replicas and to fewer than at first, under load."""

    name = "scale"
    row = "10"
    question = "How long until more replicas all serve, and does a change lose requests?"
    needs: Needs = (Scalable,)
    variants = BOTH

    def run(self, bench: Bench) -> None:
        """Baseline, each step as soon as the one before serves; then as it was."""
        scalable = cast("Scalable", bench.platform)
        try:
            with bench.probing():
                bench.baseline()
                for replicas in STEPS:
                    bench.mark("fault", f"scale to {replicas}")
                    scalable.scale(replicas)
                    bench.mark("ready", f"{replicas} serve", found=len(bench.platform.replicas()))
                    bench.window(f"{replicas} replicas", SETTLED)
                bench.window("recovery", RECOVERY)
        finally:
            scalable.scale(bench.release.replicas)

    def judge(self, history: History) -> Finding:
        """Pass when no request failed and each step brought as many replicas as asked for."""
        metrics = measured(history, start_of(history, "fault"))
        steps = list(zip(STEPS, history.all("fault"), history.all("ready"), strict=True))
        values = metrics.values() | {
            f"to_{replicas}_s": elapsed_s(history, asked_at, served_at)
            for replicas, asked_at, served_at in steps
        }
        wrong = [n for n, _, served in steps if served.detail["found"] != n]
        if wrong:
            return finding(history, "fail", f"not as many ran as asked for: {wrong}", **values)
        if lost(metrics) or not asked(metrics):
            summary = f"{lost(metrics)} of {asked(metrics)} requests failed"
            return finding(history, broken_promise(history), summary, **values)
        return finding(history, "pass", f"none of {asked(metrics)} requests failed", **values)


class Drain:
    """12: a worker is emptied for maintenance, under load that enters by the other nodes."""

    name = "drain"
    row = "12"
    question = "Does emptying a worker for maintenance lose requests?"
    needs: Needs = (Drainable, NodeFaults)
    variants = BOTH

    def run(self, bench: Bench) -> None:
        """Baseline, drain; the worker takes replicas again at the end."""
        drainable = cast("Drainable", bench.platform)
        worker = spread_worker(bench)
        try:
            with bench.probing():
                bench.baseline()
                bench.mark("fault", worker)
                drainable.drain(worker)
                left = [each.name for each in bench.platform.replicas() if each.node == worker]
                bench.mark("ready", worker, left=left)
                bench.window("recovery", RECOVERY)
        finally:
            drainable.activate(worker)
            spread(bench)

    def judge(self, history: History) -> Finding:
        """Pass when the worker was emptied and no request through another node failed."""
        worker = history.all("fault")[0].subject
        metrics = measured(
            entering(history, entries(history) - {worker}), start_of(history, "fault")
        )
        values = metrics.values() | {"drained_s": seconds_between(history, "fault", "ready")}
        if left := history.all("ready")[0].detail["left"]:
            return finding(history, "fail", f"still on {worker}: {', '.join(left)}", **values)
        if lost(metrics) or not asked(metrics):
            summary = f"{lost(metrics)} of {asked(metrics)} requests failed"
            return finding(history, broken_promise(history), summary, **values)
        return finding(history, "pass", f"none of {asked(metrics)} requests failed", **values)
