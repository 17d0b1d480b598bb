"""Volumes: V1, whether data survive the container that wrote them."""

from __future__ import annotations

from typing import cast

from orchlab.apps import Feature
from orchlab.experiments.base import RECOMMENDED, Bench, Needs, finding, start_of
from orchlab.experiments.client import count, increment
from orchlab.outages import NS_PER_S
from orchlab.platforms.base import StoreFaults
from orchlab.records import Finding, History

WRITES = 20


class Recreate:
    """V1: acknowledged writes, then a new Redis container from the same definition."""

    name = "recreate"
    row = "V1"
    question = "Do data survive when the Redis container is replaced?"
    variants = RECOMMENDED
    needs: Needs = (StoreFaults, Feature.COUNTER)

    def run(self, bench: Bench) -> None:
        """Write, replace the container, read again."""
        url = bench.platform.endpoints()[0].url
        acknowledged = [increment(url) for _ in range(WRITES)]
        bench.mark("written", value=acknowledged[-1])
        bench.mark("fault", "redis recreated")
        cast("StoreFaults", bench.platform).recreate_store()
        bench.mark("fault-verified", "redis recreated")
        bench.mark("read", value=count(url))

    def judge(self, history: History) -> Finding:
        """Pass when the counter is what the last acknowledgement said."""
        written = history.all("written")[-1].detail["value"]
        read = history.all("read")[-1].detail["value"]
        values = {"written": written, "read": read, "gap_s": gap_s(history)}
        if read < written:
            return finding(history, "fail", f"{written - read} acknowledged writes lost", **values)
        if read > written:
            return finding(history, "unknown", "somebody else wrote meanwhile", **values)
        return finding(history, "pass", "all acknowledged writes were kept", **values)


def gap_s(history: History) -> float:
    """Seconds from the order to recreate until Redis answered again."""
    done = start_of(history, "fault-verified")
    return round((done - start_of(history, "fault")) / NS_PER_S, 2)
