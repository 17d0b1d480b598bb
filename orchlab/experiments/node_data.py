"""Volumes: V2, whether data survive the loss of the machine that they are on."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import cast

import requests

from orchlab.apps import Feature
from orchlab.experiments.base import BOTH, Bench, Needs, finding
from orchlab.experiments.client import count, increment
from orchlab.experiments.evidence import broken_promise, seconds_between
from orchlab.experiments.workers import whole_again
from orchlab.platforms.base import NodeFaults
from orchlab.records import Finding, History

WRITES = 20
AWAY = 15.0
ASK_SECONDS = 2.0


class NodeData:
    """V2: the power of Redis' node is cut, and comes back."""

    name = "node-data"
    row = "V2"
    question = "Do data survive the loss of the node that they are on?"
    variants = BOTH
    needs: Needs = (NodeFaults, Feature.COUNTER)

    def run(self, bench: Bench) -> None:
        """Write, cut the power, ask for the data meanwhile, turn it on again, read."""
        faults = cast("NodeFaults", bench.platform)
        held = faults.store_node()
        url = next(each.url for each in bench.platform.endpoints() if each.node != held)
        acknowledged = [increment(url) for _ in range(WRITES)]
        bench.mark("written", value=acknowledged[-1])
        try:
            bench.mark("fault", held)
            faults.stop(held)
            bench.mark("fault-verified", held)
            bench.mark("meanwhile", read=_look(url))
            bench.mark("start", held)
            faults.start(held)
            bench.mark("read", value=count(url), node=faults.store_node())
        finally:
            faults.start(held)
            whole_again(bench)

    def judge(self, history: History) -> Finding:
        """Pass when every acknowledged write is there at the end."""
        written = history.all("written")[-1].detail["value"]
        read = history.all("read")[-1].detail
        meanwhile = history.all("meanwhile")[-1].detail["read"]
        values = {
            "written": written,
            "read": read["value"],
            "read_meanwhile": "nothing answered" if meanwhile is None else meanwhile,
            "readable_after_start_s": seconds_between(history, "start", "read"),
            "redis_on": "the same node"
            if read["node"] == history.all("fault")[0].subject
            else "another node",
        }
        if read["value"] < written:
            summary = f"{written - read['value']} acknowledged writes lost"
            return finding(history, broken_promise(history), summary, **values)
        if read["value"] > written:
            return finding(history, "unknown", "somebody else wrote meanwhile", **values)
        summary = "all acknowledged writes were kept; Redis waited for its node"
        return finding(history, "pass", summary, **values)


def _look(url: str) -> int | None:
    """The first counter that can be read while the node is away; None if none can."""
    end = time.monotonic() + AWAY
    while time.monotonic() < end:
        with suppress(requests.RequestException):
            answer = requests.get(f"{url}/count", timeout=ASK_SECONDS)
            if answer.ok:
                return int(answer.json()["count"])
        time.sleep(0.5)
    return None
