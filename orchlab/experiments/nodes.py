"""Healing: experiments 3 to 5, whole machines are lost or cut off.

What enters by the node that is taken away is lost until the node is back, whatever the
platform does. So the clients who count here are those of the other nodes; the others'
share is a number of its own.
"""

from __future__ import annotations

from typing import cast

from orchlab.apps import Feature
from orchlab.errors import WaitTimeout
from orchlab.experiments.base import (
    BOTH,
    RECOMMENDED,
    RECOVERY,
    Bench,
    Needs,
    finding,
    measured,
    start_of,
)
from orchlab.experiments.evidence import (
    asked_between,
    entering,
    entries,
    lost,
    seconds_between,
    until,
)
from orchlab.experiments.workers import spread_worker, whole_again
from orchlab.metrics import between
from orchlab.outages import NS_PER_S
from orchlab.platforms import serving
from orchlab.platforms.base import DEFAULTS, HARDENED, NodeFaults
from orchlab.records import Finding, History

LOSS_WINDOWS = {DEFAULTS: 480.0, HARDENED: 120.0}
"""Seconds to wait for new replicas elsewhere: Kubernetes' own patience is 50 + 300 s."""
AWAY = 25.0
"""For so long nobody decides: longer than the balancers need to leave a dead node out."""
REUNION = 90.0
"""A Swarm's overlay members that lost each other try again once a minute."""


class NodeLoss:
    """3: a worker's power is cut; it holds a replica, and not the volume of Redis."""

    name = "node-loss"
    row = "3"
    question = "A worker is lost: how long until clients are served, and until capacity is back?"
    needs: Needs = (NodeFaults,)
    variants = BOTH

    def run(self, bench: Bench) -> None:
        """Baseline, fault at a random phase, new replicas elsewhere; the node is started again."""
        faults = cast("NodeFaults", bench.platform)
        victim = spread_worker(bench)
        try:
            with bench.probing():
                bench.random_baseline()
                bench.mark("fault", victim)
                faults.stop(victim)
                bench.mark("fault-verified", victim)
                window = LOSS_WINDOWS[bench.release.variant]
                bench.await_capacity(lambda each: each.node == victim, window)
                bench.window("recovery", RECOVERY)
        finally:
            faults.start(victim)
            whole_again(bench)

    def judge(self, history: History) -> Finding:
        """Pass when clients of the other nodes and capacity recovered."""
        others = _others(history)
        metrics = measured(others, start_of(history, "fault"))
        capacity = seconds_between(history, "fault", "ready")
        values = metrics.values() | {"capacity_s": capacity}
        if isinstance(capacity, str):
            return finding(history, "fail", "capacity did not come back", **values)
        if metrics.recovered_s is None:
            return finding(history, "fail", "clients of other nodes did not recover", **values)
        summary = f"replaced elsewhere; {lost(metrics)} requests failed through other nodes"
        return finding(history, "pass", summary, **values)


class ControlLoss:
    """4: the machine that decides is lost for a while."""

    name = "control-loss"
    row = "4"
    question = "The control plane is lost: are clients served, and are orders taken afterwards?"
    needs: Needs = (NodeFaults,)
    variants = RECOMMENDED

    def run(self, bench: Bench) -> None:
        """Baseline, fault at a random phase, a while without; started again, until all is ready."""
        faults = cast("NodeFaults", bench.platform)
        leader = next(each.name for each in faults.nodes() if each.leader)
        try:
            with bench.probing():
                bench.random_baseline()
                bench.mark("fault", leader)
                faults.stop(leader)
                bench.mark("fault-verified", leader)
                bench.window("away", AWAY)
                bench.mark("start", leader)
                faults.start(leader)
                bench.await_capacity(lambda _: False)
                bench.window("recovery", RECOVERY)
        finally:
            faults.start(leader)
            whole_again(bench)

    def judge(self, history: History) -> Finding:
        """Pass when clients of the other nodes recovered without it, and all is ready with it."""
        others = _others(history)
        metrics = measured(until(others, "start"), start_of(history, "fault"))
        capacity = seconds_between(history, "start", "ready")
        values = metrics.values() | {
            "failed_after_start": str(asked_between(others, "start")),
            "whole_after_start_s": capacity,
        }
        if isinstance(capacity, str):
            return finding(history, "fail", "it did not become whole again", **values)
        if metrics.recovered_s is None:
            return finding(history, "limit", "no service without the control plane", **values)
        summary = f"the other nodes served on; {lost(metrics)} requests failed"
        return finding(history, "pass", summary, **values)


class Partition:
    """5: a worker is cut off from its peers, not from its clients; then it is joined again."""

    name = "partition"
    row = "5"
    question = "A worker is cut off from its peers: what do clients of either side see?"
    needs: Needs = (NodeFaults, Feature.IDENTITY)
    variants = RECOMMENDED

    def run(self, bench: Bench) -> None:
        """Baseline, cut at a random phase, new replicas elsewhere, mended, reunited."""
        faults = cast("NodeFaults", bench.platform)
        victim = spread_worker(bench)
        try:
            with bench.probing():
                bench.random_baseline()
                bench.mark("fault", victim)
                faults.cut(victim)
                bench.mark("fault-verified", victim)
                window = LOSS_WINDOWS[bench.release.variant]
                bench.await_capacity(lambda each: each.node == victim, window)
                bench.window("apart", RECOVERY)
                bench.mark("mend", victim)
                faults.mend()
                _reunion(bench)
                bench.window("recovery", RECOVERY)
        finally:
            faults.mend()
            whole_again(bench)

    def judge(self, history: History) -> Finding:
        """Pass when the others' clients recovered apart, and everybody's after the reunion."""
        others = _others(history)
        inside = entering(history, {history.all("fault")[0].subject})
        apart = measured(until(others, "mend"), start_of(history, "fault"))
        again = measured(history, start_of(history, "mend"))
        capacity = seconds_between(history, "fault", "ready")
        values = apart.values() | {
            "capacity_s": capacity,
            "failed_cut_off": str(asked_between(inside, "fault", "mend")),
            "served_cut_off_by": len(_answering(inside)),
            "failed_after_mend": str(asked_between(history, "mend")),
            "recovered_after_mend_s": again.values()["recovered_s"],
        }
        if again.recovered_s is None:
            return finding(history, "fail", "clients did not recover when mended", **values)
        if apart.recovered_s is None or isinstance(capacity, str):
            return finding(history, "fail", "the other side did not recover apart", **values)
        summary = f"either side recovered; {lost(apart)} requests failed through other nodes"
        return finding(history, "pass", summary, **values)


def _reunion(bench: Bench) -> None:
    """Wait until all nodes serve their clients again, or mark that it took too long."""
    platform = bench.platform
    try:
        serving.wait_until_steady(platform.endpoints, platform.images.subject.health, REUNION)
    except WaitTimeout:
        bench.mark("censored", "reunion", seconds=REUNION)


def _others(history: History) -> History:
    """Of the requests only those that enter by other nodes than the one that is taken away."""
    return entering(history, entries(history) - {history.all("fault")[0].subject})


def _answering(history: History) -> set[str]:
    """The replicas that answered while the node was cut off, once that was noticed."""
    since, end = start_of(history, "fault-verified") + NS_PER_S, start_of(history, "mend")
    seen = between(history.samples, since, end)
    return {s.replica for s in seen if s.outcome == "ok" and s.series != "control"}
