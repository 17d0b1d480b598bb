"""``python -m orchlab.prober``: a plan on stdin (one line of JSON), rows into its file.

Says ``started`` on stdout once every series has sent a request. Ends on SIGTERM
or SIGINT, and when stdin closes: the parent holds the other end, so the prober
ends with it however the parent dies.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from orchlab.prober import pressure, priority
from orchlab.prober.client import Client
from orchlab.prober.plan import Plan
from orchlab.prober.rows import line
from orchlab.prober.schedule import NS_PER_S, Lane
from orchlab.prober.stopping import stopped
from orchlab.records import Event, Sample, Series

PRESSURE_S = 1.0
HEAD_START_NS = NS_PER_S // 20
"""From the schedule's start to its first request: nothing is late from the outset."""


def main() -> None:
    """Probe until told to stop."""
    plan = Plan.from_json(sys.stdin.readline())
    precedence = priority.rise()
    # Objects that live as long as the process need not be looked at by the collector again.
    gc.collect()
    gc.freeze()
    with Path(plan.into).open("a", buffering=1, encoding="utf-8") as file:
        asyncio.run(probe(plan, lambda record: _put(file.write, record), precedence))


def _put(write: Callable[[str], int], record: Sample | Event) -> None:
    write(line(record))


async def probe(plan: Plan, write: Callable[[Sample | Event], None], precedence: str) -> None:
    """Run all series until stopped; ``write`` gets every record as it completes."""
    lanes = [
        Lane(_clients("new", plan), plan.rate, write),
        Lane(_clients("reused", plan), plan.rate, write),
        Lane([Client("control", plan.control, plan.timeout_s)], plan.control_rate, write),
    ]
    write(Event.now("probe-start", "prober", rate=plan.rate, precedence=precedence))
    before_s = _cpu_s()
    origin = time.monotonic_ns() + HEAD_START_NS
    # Series are shifted against each other: requests that leave together delay each other.
    shift = round(NS_PER_S / plan.rate / len(lanes))
    tasks = [asyncio.create_task(lane.run(origin + i * shift)) for i, lane in enumerate(lanes)]
    tasks += [
        asyncio.create_task(_say_started(lanes)),
        asyncio.create_task(_pressure(write)),
    ]
    await _until_stopped(tasks)
    for lane in lanes:
        await lane.finish(plan.timeout_s)
    write(Event.now("probe-stop", "prober", **_cost(origin, before_s, lanes)))


def _clients(series: Series, plan: Plan) -> list[Client]:
    return [Client(series, entry, plan.timeout_s, plan.identity) for entry in plan.entries]


async def _until_stopped(tasks: list[asyncio.Task[None]]) -> None:
    """Return on a signal or a closed stdin; a task that broke is raised."""
    stop = asyncio.create_task(stopped())
    waiting: set[asyncio.Task[None]] = {stop, *tasks}
    while not stop.done():
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def _say_started(lanes: list[Lane]) -> None:
    for lane in lanes:
        await lane.begun.wait()
    sys.stdout.write("started\n")
    sys.stdout.flush()


async def _pressure(write: Callable[[Sample | Event], None]) -> None:
    while (event := pressure.sample()) is not None:
        write(event)
        await asyncio.sleep(PRESSURE_S)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _cost(origin_ns: int, before_s: float, lanes: list[Lane]) -> dict[str, float]:
    """What probing took; the start of the process, its imports above all, is not in it."""
    return {
        "requests": sum(lane.sent for lane in lanes),
        "seconds": round((time.monotonic_ns() - origin_ns) / NS_PER_S, 3),
        "cpu_s": round(_cpu_s() - before_s, 3),
        "max_rss_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


if __name__ == "__main__":
    main()
