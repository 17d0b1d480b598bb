"""One GET at a time on an absolute schedule, each on a new connection; a row for each.

    python3 probe.py ENTRY URL RATE [COUNT FIRST_PORT]

``RATE`` is in requests per second. Ends after ``COUNT`` requests or when stdin closes.
A row on stdout is a ``Sample`` as the lab keeps it, in the guest's monotonic time.

With ``FIRST_PORT`` each request comes from a port of its own, counted up from there. IPVS
remembers for two minutes which replica a client's port was led to: a port that returns
takes nobody's turn.
"""

from __future__ import annotations

import json
import math
import select
import sys
import time
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

NS_PER_S = 1_000_000_000
TIMEOUT_SECONDS = 10.0
"""Generous: it tells a lost request from one that a slow machine answers late."""


def sample(entry: str, url: str, intended_ns: int, port: int = 0) -> dict[str, str | int]:
    """Send one request now, from ``port`` (0: any): a single attempt, no retry."""
    where = urlsplit(url)
    sent_ns = time.monotonic_ns()
    status, error, replica, version = 0, "", "", ""
    connection = HTTPConnection(
        where.hostname or "", where.port, timeout=TIMEOUT_SECONDS, source_address=("", port)
    )
    try:
        connection.request("GET", where.path, headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        status = answer.status
        replica = answer.headers.get("X-Replica", "")
        version = answer.headers.get("X-Version", "")
    except (OSError, HTTPException) as failure:
        error = type(failure).__name__
    finally:
        connection.close()
    return {
        "type": "sample",
        "series": "new",
        "entry": entry,
        "intended_ns": intended_ns,
        "sent_ns": sent_ns,
        "done_ns": time.monotonic_ns(),
        "outcome": "ok" if 200 <= status < 300 and not error else "fail",  # noqa: PLR2004
        "status": status,
        "error": error,
        "replica": replica,
        "version": version,
    }


def stopped_within(seconds: float) -> bool:
    """Let time pass; True as soon as whoever started this closes stdin."""
    return bool(select.select([sys.stdin], [], [], max(0.0, seconds))[0])


def probe(entry: str, url: str, rate: float, count: int | None = None, first_port: int = 0) -> None:
    """Send until ``count`` is reached or stdin closes; what is overdue is left out."""
    start_ns = time.monotonic_ns()
    sent = slot = 0
    while count is None or sent < count:
        due_ns = start_ns + round(slot * NS_PER_S / rate)
        if stopped_within((due_ns - time.monotonic_ns()) / NS_PER_S):
            return
        row = sample(entry, url, due_ns, first_port + sent if first_port else 0)
        print(json.dumps(row), flush=True)  # noqa: T201 - its output
        sent += 1
        slot = next_slot(slot, (time.monotonic_ns() - start_ns) / NS_PER_S, rate)


def next_slot(slot: int, seconds: float, rate: float) -> int:
    """The first place of the schedule that is not over ``seconds`` after its start.

    To catch up would load a slow machine when it is slowest.
    """
    return max(slot + 1, math.ceil(seconds * rate))


if __name__ == "__main__":
    _, name, address, per_second, *limits = sys.argv
    probe(name, address, float(per_second), *map(int, limits))
