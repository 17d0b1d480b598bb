"""Volumes: V3, whether acknowledged writes survive a Redis that is killed.

Two losses must be told apart. SIGKILL ends a process: what it had handed to the kernel
still reaches the disk. A power loss takes the kernel's memory too: only what was synced
before it is left, and when Redis syncs its append-only file is the policy ``appendfsync``.
With ``everysec`` "you may lose 1 second of data if there is a disaster" (Redis
documentation, "Redis persistence"); while an fsync takes long, Redis also holds back what
it would write, up to two seconds, and that much a SIGKILL takes as well. A lab cannot cut
the power of the machine that it runs on, so it measures how long an acknowledged write is
exposed: until Redis says that it is on the disk (``WAITAOF``). Whether that is true is
tested on a file system that is cut off (``tests/live/test_power_loss.py``).
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import cast

from orchlab.apps import Feature
from orchlab.errors import WaitTimeout
from orchlab.experiments.account import ALWAYS, WAIT_SECONDS, Account
from orchlab.experiments.base import CAPACITY_WINDOW, RECOMMENDED, Bench, Needs, finding, start_of
from orchlab.experiments.client import count
from orchlab.experiments.writers import Writers
from orchlab.outages import NS_PER_S
from orchlab.platforms.base import StoreCrash
from orchlab.records import Finding, History, Verdict

US_PER_S = 1_000_000

SECONDS = 2.0
PHASE = 1.0
"""The kill comes at a random moment of so many seconds: the period of ``everysec``."""

ROUNDS = 3
KEY = "orchlab:synced"
PROBE = (f"SET {KEY} 1", "TIME", f"WAITAOF 1 0 {WAIT_SECONDS * 1000}", "TIME")
ANSWERS = 7
"""Lines of answer to ``PROBE``: OK; seconds, microseconds; files here, elsewhere; and a time."""

OFF = "off"
"""The policy of a Redis that keeps no append-only file."""


class Ledger:
    """V3: SIGKILL of Redis under concurrent writers; their ledger against the counter."""

    name = "ledger"
    row = "V3"
    question = "Are acknowledged writes kept when Redis is killed, and what would power loss take?"
    variants = RECOMMENDED
    needs: Needs = (StoreCrash, Feature.COUNTER)

    def run(self, bench: Bench) -> None:
        """Write, measure the exposure meanwhile, kill Redis, and read when it is back."""
        store = cast("StoreCrash", bench.platform)
        url = bench.platform.endpoints()[0].url
        fsync = policy(store)
        bench.mark("policy", fsync=fsync)
        bench.mark("before", value=count(url))
        with Writers(url) as writers:
            if fsync != OFF:
                bench.mark("synced", seconds=synced(store))
            time.sleep(SECONDS + random.uniform(0, PHASE))  # noqa: S311 - a phase is no secret
            bench.mark("fault", "redis killed", rate=writers.rate())
            store.crash_store()
            bench.mark("fault-verified", "redis killed")
        bench.mark("written", acknowledged=writers.acknowledged, unknown=writers.unknown)
        try:
            bench.mark("read", value=count(url))
        except WaitTimeout:
            bench.mark("censored", "read", seconds=CAPACITY_WINDOW)

    def judge(self, history: History) -> Finding:
        """Pass when the counter holds every acknowledged write.

        A loss breaks the promise of ``always`` and is the known limit of any other policy.
        """
        account = Account.of(history)
        values = account.values()
        read = history.first("read")
        if read is None:
            return finding(history, "fail", "Redis did not come back", **values)
        value = read.detail["value"]
        lost = account.lost(value)
        values |= {
            "kept": value - account.before,
            "lost": lost,
            "unreadable_s": round((read.at_ns - start_of(history, "fault")) / NS_PER_S, 2),
        }
        if lost:
            verdict: Verdict = "fail" if account.fsync == ALWAYS else "limit"
            return finding(history, verdict, f"{lost} acknowledged writes lost", **values)
        if value > account.most:
            return finding(history, "unknown", "somebody else wrote meanwhile", **values)
        kept = f"all {len(account.acknowledged)} acknowledged writes were kept"
        return finding(history, "pass", kept, **values)


def policy(store: StoreCrash) -> str:
    """When Redis syncs its append-only file: ``always``, ``everysec``, ``no`` - or ``off``."""
    _, fsync, _, kept = store.ask_store("CONFIG GET appendfsync", "CONFIG GET appendonly")
    return fsync if kept == "yes" else OFF


def synced(store: StoreCrash) -> list[float]:
    """Seconds from the acknowledgement of a write until Redis says that it is on the disk.

    Several rounds; each write follows a sync at once, so with ``everysec`` it waits for the
    whole period. One question and its answer are in it too, some milliseconds.
    """
    answers = store.ask_store(*PROBE * ROUNDS, f"DEL {KEY}")
    starts = range(0, ROUNDS * ANSWERS, ANSWERS)
    return [_elapsed_s(answers[start : start + ANSWERS]) for start in starts]


def _elapsed_s(answers: Sequence[str]) -> float:
    """Seconds between the two times in the answers to ``PROBE``."""
    _, second, microsecond, _, _, later_second, later_microsecond = answers
    elapsed_us = int(later_microsecond) - int(microsecond)
    return int(later_second) - int(second) + elapsed_us / US_PER_S
