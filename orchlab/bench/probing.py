"""What probing costs, and how punctual it is: the prober on a server that answers at once."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchlab import console
from orchlab.bench.figure import Reading, Sides
from orchlab.errors import OrchlabError
from orchlab.images.store import ImageStore
from orchlab.metrics import lag_ms, tally
from orchlab.platforms.base import Endpoint
from orchlab.prober import Prober
from orchlab.prober.child import Child
from orchlab.prober.rows import scan
from orchlab.records import Event, Sample

SECONDS = 10.0
RATE = 50.0
"""Requests per second on new connections, and as many on reused ones."""

MS_PER_S = 1000.0
INTERVAL_MS = MS_PER_S / (2 * RATE)
KNOBS = {
    "probed": f"for {SECONDS:g} s, {RATE:g}/s on new and {RATE:g}/s on reused connections",
    "target": "a static server on this host",
}


@contextmanager
def cpu(_: ImageStore) -> Iterator[Sides]:
    """CPU time of the prober's process in a second of probing, against that second."""
    with _target() as probe:

        def used() -> Reading:
            found = probe()
            return Reading(MS_PER_S * found["cpu_s"] / found["seconds"], found)

        yield Sides(used, lambda: Reading(MS_PER_S), KNOBS)


@contextmanager
def lag(_: ImageStore) -> Iterator[Sides]:
    """How late the latest hundredth of the requests leaves, against the time between two."""
    with _target() as probe:

        def late() -> Reading:
            found = probe()
            return Reading(found["lag_p99_ms"], found)

        yield Sides(late, lambda: Reading(INTERVAL_MS), KNOBS)


@contextmanager
def _target() -> Iterator[Callable[[], dict[str, Any]]]:
    """A static server, and a function that probes it for ``SECONDS`` and says how that went."""
    server = Child("orchlab.prober.control")
    try:
        endpoint = Endpoint("static", f"http://127.0.0.1:{int(server.hear())}")
        with tempfile.TemporaryDirectory() as scratch, console.step("probe a static server"):
            yield lambda: probed(endpoint, Path(scratch) / f"{time.monotonic_ns()}.jsonl")
    finally:
        server.stop(expect_alive=False)


def probed(endpoint: Endpoint, rows: Path) -> dict[str, Any]:
    """What the prober says of itself, its lag in ms, and the CPU pressure meanwhile.

    Raises ``OrchlabError`` unless every request was answered.
    """
    with Prober([endpoint], rows, RATE):
        time.sleep(SECONDS)
    found = list(scan(rows))
    samples = [each for each in found if isinstance(each, Sample)]
    answered = tally(samples)
    if answered.failed or not answered.total:
        raise OrchlabError(f"{answered} requests to a static server failed", "is the host busy?")
    events = [each for each in found if isinstance(each, Event)]
    cost = next(each.detail for each in events if each.kind == "probe-stop")
    start = next(each.detail for each in events if each.kind == "probe-start")
    pressure = [each.detail["avg10"] for each in events if each.kind == "pressure"]
    lags = {f"lag_p{percent}_ms": lag_ms(samples, percent) for percent in (50, 99)}
    told = {"precedence": start["precedence"], "cpu_pressure_avg10": max(pressure, default=None)}
    return cost | lags | told
