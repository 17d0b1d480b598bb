"""Healing: experiment 1, the app process of one replica is killed."""

from __future__ import annotations

import random
from typing import cast

from orchlab.errors import WaitTimeout
from orchlab.experiments.base import (
    CAPACITY_WINDOW,
    RECOMMENDED,
    Bench,
    finding,
    measured,
    start_of,
)
from orchlab.outages import NS_PER_S
from orchlab.platforms.base import ReplicaFaults
from orchlab.records import Finding, History

BASELINE = 3.0
PHASE = 10.0
"""The fault comes at a random moment of so many seconds; timers would alias otherwise."""
RECOVERY = 8.0
"""Probing after the last replica is ready, so that 5 s without a failure can be seen."""


class Crash:
    """SIGKILL of one replica's app process, signalled from outside its container."""

    name = "crash"
    row = "1"
    question = "How long until clients are served again, and until capacity is back?"
    variants = RECOMMENDED
    needs: tuple[type, ...] = (ReplicaFaults,)

    def run(self, bench: Bench) -> None:
        """Baseline, fault at a random phase, recovery; probed throughout."""
        victim = random.choice(bench.ready())  # noqa: S311 - which replica is no secret
        faults = cast("ReplicaFaults", bench.platform)
        with bench.probing():
            bench.window("baseline", BASELINE + random.uniform(0, PHASE))  # noqa: S311
            bench.mark("fault", victim.name, node=victim.node)
            faults.crash(victim)
            bench.mark("fault-verified", victim.name)
            self._recover(bench, victim.id)
            bench.window("recovery", RECOVERY)

    def judge(self, history: History) -> Finding:
        """Pass when clients and capacity recovered; what it cost stands in the values."""
        fault = start_of(history, "fault")
        metrics = measured(history, fault)
        values = metrics.values() | {"capacity_s": f"> {CAPACITY_WINDOW:.0f}"}
        ready = history.first("ready")
        if ready is None:
            return finding(history, "fail", "capacity did not come back", **values)
        values["capacity_s"] = round((ready.at_ns - fault) / NS_PER_S, 2)
        if metrics.recovered_s is None:
            return finding(history, "fail", "clients did not recover", **values)
        if metrics.failed_after_recovery:
            return finding(history, "fail", "clients failed again after they recovered", **values)
        lost = metrics.new.failed + metrics.reused.failed
        return finding(history, "pass", f"healed by itself; {lost} requests failed", **values)

    @staticmethod
    def _recover(bench: Bench, gone: str) -> None:
        try:
            bench.ready(gone)
        except WaitTimeout:
            bench.mark("censored", "ready", seconds=CAPACITY_WINDOW)
        else:
            bench.mark("ready")
