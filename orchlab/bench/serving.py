"""The app against a bare route: how much it serves, and how long an answer takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from orchlab import console
from orchlab.bench.figure import Reading, Sides
from orchlab.bench.rig import SERVERS, Rig, rig
from orchlab.images.store import ImageStore

BUSY_CONNECTIONS = 16
BUSY_REQUESTS = 20_000
LONE_REQUESTS = 3_000
HEALTH, COUNT = "/health", "/count"


@contextmanager
def throughput(images: ImageStore) -> Iterator[Sides]:
    """Answers per second on `/health`, with the server's core saturated."""
    with rig(images) as made:

        def side(server: str) -> Reading:
            got = made.http(server, HEALTH, connections=BUSY_CONNECTIONS, requests=BUSY_REQUESTS)
            return Reading(got.per_second, asdict(got))

        _warm(made)
        with console.step("throughput"):
            knobs = {"requests": f"{BUSY_REQUESTS} on {BUSY_CONNECTIONS} connections"}
            yield Sides(lambda: side("app"), lambda: side("bare"), made.knobs() | knobs)


@contextmanager
def latency(images: ImageStore) -> Iterator[Sides]:
    """The slowest hundredth of `/count`, one client alone, against what it is made of."""
    with rig(images) as made:

        def lone(server: str, path: str) -> Reading:
            got = made.http(server, path, connections=1, requests=LONE_REQUESTS)
            return Reading(got.p99_ms, asdict(got))

        def parts() -> Reading:
            bare, redis = lone("bare", HEALTH), made.redis(LONE_REQUESTS)
            detail = {"bare": bare.detail, "redis": asdict(redis)}
            return Reading(bare.value + redis.p99_ms, detail)

        _warm(made)
        with console.step("latency"):
            knobs = {"requests": f"{LONE_REQUESTS} on 1 connection", "redis": "GET, 1 connection"}
            yield Sides(lambda: lone("app", COUNT), parts, made.knobs() | knobs)


def _warm(made: Rig) -> None:
    for server in SERVERS:
        made.http(server, HEALTH, connections=BUSY_CONNECTIONS, requests=LONE_REQUESTS)
    made.http("app", COUNT, connections=1, requests=LONE_REQUESTS)
