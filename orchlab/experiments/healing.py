"""Healing: experiments 1 and 2, the app process of one replica is killed, or hangs."""

from __future__ import annotations

import random
from typing import cast

from orchlab.experiments.base import (
    BOTH,
    CAPACITY_WINDOW,
    RECOVERY,
    Bench,
    Needs,
    finding,
    measured,
    start_of,
)
from orchlab.experiments.evidence import broken_promise, lost, seconds_between
from orchlab.platforms.base import DEFAULTS, HARDENED, HangFaults, ReplicaFaults
from orchlab.records import Finding, History

HANG_WINDOWS = {DEFAULTS: 240.0, HARDENED: 35.0}
"""Seconds to wait for the replacement of a hung process. Docker's own health check, left
alone, takes 3 x (30 + 30) s to find one out; the lab's checks take at most 17 s."""


class Crash:
    """SIGKILL of one replica's app process, signalled from outside its container."""

    name = "crash"
    row = "1"
    question = "How long until clients are served again, and until capacity is back?"
    needs: Needs = (ReplicaFaults,)
    variants = BOTH

    def run(self, bench: Bench) -> None:
        """Baseline, fault at a random phase, recovery; probed throughout."""
        victim = random.choice(bench.ready())  # noqa: S311 - which replica is no secret
        faults = cast("ReplicaFaults", bench.platform)
        with bench.probing():
            bench.random_baseline()
            bench.mark("fault", victim.name, node=victim.node)
            faults.crash(victim)
            bench.mark("fault-verified", victim.name)
            bench.await_capacity(lambda each: each.id == victim.id)
            bench.window("recovery", RECOVERY)

    def judge(self, history: History) -> Finding:
        """Pass when clients and capacity recovered; what it cost stands in the values."""
        metrics = measured(history, start_of(history, "fault"))
        capacity = seconds_between(history, "fault", "ready")
        values = metrics.values() | {"capacity_s": capacity}
        if isinstance(capacity, str):
            return finding(history, "fail", "capacity did not come back", **values)
        if metrics.recovered_s is None:
            return finding(history, "fail", "clients did not recover", **values)
        if metrics.failed_after_recovery:
            return finding(history, "fail", "clients failed again after they recovered", **values)
        summary = f"healed by itself; {lost(metrics)} requests failed"
        return finding(history, "pass", summary, **values)


class Hang:
    """SIGSTOP of one replica's app process: it lives, and answers nobody."""

    name = "hang"
    row = "2"
    question = "Who notices a process that hangs: are clients served, and is it replaced?"
    needs: Needs = (HangFaults,)
    variants = BOTH

    def run(self, bench: Bench) -> None:
        """Baseline, fault at a random phase, time to be replaced; the process goes on at last."""
        victim = random.choice(bench.ready())  # noqa: S311 - which replica is no secret
        faults = cast("HangFaults", bench.platform)
        window = HANG_WINDOWS.get(bench.release.variant, CAPACITY_WINDOW)
        try:
            with bench.probing():
                bench.random_baseline()
                bench.mark("fault", victim.name, node=victim.node)
                faults.hang(victim)
                bench.mark("fault-verified", victim.name)
                bench.await_capacity(lambda each: each.id == victim.id, window)
                bench.window("recovery", RECOVERY)
        finally:
            faults.resume(victim)
            bench.ready()

    def judge(self, history: History) -> Finding:
        """Pass when it was replaced and clients recovered.

        That nobody replaces it is a limit of a platform, and so is what its defaults lose;
        clients that are not served break the promise of ``hardened``.
        """
        metrics = measured(history, start_of(history, "fault"))
        capacity = seconds_between(history, "fault", "ready")
        values = metrics.values() | {"capacity_s": capacity}
        failed = f"{lost(metrics)} requests failed"
        if metrics.recovered_s is None:
            summary = f"clients did not recover; {failed}"
            return finding(history, broken_promise(history), summary, **values)
        if isinstance(capacity, str):
            summary = f"nobody replaced it; clients were led round it; {failed}"
            return finding(history, "limit", summary, **values)
        if metrics.failed_after_recovery:
            summary = f"replaced, but clients failed again after they recovered; {failed}"
            return finding(history, broken_promise(history), summary, **values)
        return finding(history, "pass", f"replaced by itself; {failed}", **values)
