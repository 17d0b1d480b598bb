"""The route that burns CPU, so that something can scale by it.

It burns in threads, by hashing blocks long enough for hashlib to let go of the
interpreter lock meanwhile. So several cores can be busy, and the event loop, which needs
the lock for microseconds at a time, goes on answering probes. A loop in Python would take
the lock 5 ms at a time, per thread; one on the event loop would stop all other answers.

No more threads burn than there are CPUs; later requests wait for one, and when too many
wait they are refused. What remains is the CPU itself: where a limit throttles the
container, the event loop is throttled with it, for one period (100 ms) at a time.
"""

from __future__ import annotations

import hashlib
import os
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import Query
from pydantic import BaseModel, Field

from app.problems import Unavailable, documented

if TYPE_CHECKING:
    from fastapi import FastAPI

BLOCK = bytes(256 * 1024)
"""Hashed in well under a millisecond: the unit in which time is kept."""

MOST_MS = 1000
MOST_WAITING = 64


class Work(BaseModel):
    """What was burnt."""

    cpu_ms: float = Field(description="CPU time used", examples=[100.2])
    wall_ms: float = Field(description="Time it took; more where CPU is short", examples=[130.9])


Milliseconds = Annotated[int, Query(ge=1, le=MOST_MS, examples=[100])]


def burn(ms: int) -> Work:
    """Keep one CPU busy for so many milliseconds of CPU time."""
    began, used = time.perf_counter(), time.thread_time()
    while (time.thread_time() - used) * 1000 < ms:
        hashlib.sha256(BLOCK)
    return Work(
        cpu_ms=round((time.thread_time() - used) * 1000, 1),
        wall_ms=round((time.perf_counter() - began) * 1000, 1),
    )


def add(api: FastAPI) -> None:
    """Add ``/work``."""
    burners = CapacityLimiter(len(os.sched_getaffinity(0)))
    errors = documented(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)

    @api.post("/work", tags=["work"], responses=errors)
    async def work(ms: Milliseconds = 100) -> Work:
        """Burn so much CPU time, at most one second of one CPU."""
        if burners.statistics().tasks_waiting >= MOST_WAITING:
            raise Unavailable(f"{MOST_WAITING} requests already wait for a CPU")
        return await to_thread.run_sync(burn, ms, limiter=burners, abandon_on_cancel=True)
