"""Scaling: experiment 11, who adds replicas when the load rises, and removes them again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import cast

import requests

from orchlab.apps import Feature
from orchlab.errors import WaitTimeout
from orchlab.experiments.base import RECOMMENDED, Bench, Needs, finding
from orchlab.experiments.evidence import seconds_between
from orchlab.platforms.autoscaling import Policy
from orchlab.platforms.base import Scalable
from orchlab.platforms.capabilities import Autoscalable
from orchlab.records import Finding, History
from orchlab.wait import wait_until

POLICY = Policy(least=2, most=4, target=10.0, down_seconds=10.0)
"""A low target: two clients load every replica beyond it, whatever machine this is."""
CLIENTS = 2
WORK = "/work?ms=200"
WINDOW = 150.0
"""Seconds to wait for each change. metrics-server reads every 10 s, the HPA decides every 15 s."""
TIMEOUT = 5.0


class AutoscaleUnderLoad:
    """11: closed-loop work on the replicas until there are more, then none until there are fewer.

    Not probed: what the work leaves of the machine is not what a client should be judged by.
    """

    name = "autoscale"
    row = "11"
    question = "The load rises and falls: who adds replicas, who removes them, and when?"
    variants = RECOMMENDED
    needs: Needs = (Autoscalable, Scalable, Feature.WORK)

    def run(self, bench: Bench) -> None:
        """Load until there are the most, rest until there are the least; then as it was."""
        bench.mark("policy", least=POLICY.least, most=POLICY.most, target=POLICY.target)
        try:
            with cast("Autoscalable", bench.platform).autoscaled(POLICY):
                with load(bench.platform.endpoints()[0].url):
                    bench.mark("load")
                    _await(bench, POLICY.most, "grown")
                bench.mark("rest")
                _await(bench, POLICY.least, "shrunk")
        finally:
            cast("Scalable", bench.platform).scale(bench.release.replicas)

    def judge(self, history: History) -> Finding:
        """Pass when the load brought the most replicas, and its end the least."""
        policy = history.all("policy")[-1].detail
        grown = seconds_between(history, "load", "grown")
        shrunk = seconds_between(history, "rest", "shrunk")
        values = {"target_percent": policy["target"], "grown_s": grown, "shrunk_s": shrunk}
        if isinstance(grown, str):
            return finding(history, "fail", "the load brought no replicas", **values)
        if isinstance(shrunk, str):
            return finding(history, "fail", "the end of the load removed none", **values)
        summary = f"{policy['most']} replicas under load, {policy['least']} after it"
        return finding(history, "pass", summary, **values)


@contextmanager
def load(url: str) -> Iterator[None]:
    """As much work as a few clients ask for that wait for each answer."""
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            with suppress(requests.RequestException):
                requests.post(f"{url}{WORK}", timeout=TIMEOUT)

    with ThreadPoolExecutor(max_workers=CLIENTS) as pool:
        for _ in range(CLIENTS):
            pool.submit(work)
        try:
            yield
        finally:
            ended.set()


def _await(bench: Bench, replicas: int, kind: str) -> None:
    """Mark when that many are ready and no others are left, or that it never came to that."""

    def reached() -> bool:
        found = bench.platform.replicas()
        return len(found) == replicas and all(each.ready for each in found)

    try:
        wait_until(f"{replicas} replicas", reached, timeout=WINDOW, pause=0.5)
    except WaitTimeout:
        bench.mark("censored", kind, seconds=WINDOW)
    else:
        bench.mark(kind, replicas=replicas)
