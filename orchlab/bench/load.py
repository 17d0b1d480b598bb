"""Closed-loop load on a server and on Redis, out of a container, and what it reports."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchlab import shell
from orchlab.errors import OrchlabError
from orchlab.images.gobuild import MODULES, GoBuild

MODULE = "fortio.org/fortio"
FORTIO = GoBuild(MODULES / "fortio", packages=[MODULE])
RESOLUTION = "0.00001"
"""Finest bucket of fortio's histogram in seconds; percentiles are interpolated within one."""

MS_PER_S = 1000.0


@dataclass(frozen=True, slots=True)
class Load:
    """Answers per second, and round trips in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


def http(client: str, url: str, *, connections: int, requests: int) -> Load:
    """Ask a URL from the container ``client``, each connection as soon as it has its answer.

    Raises ``OrchlabError`` unless every request was answered with 200.
    """
    words = ["-quiet", "-qps=0", f"-r={RESOLUTION}", "-p=50,99", "-json=-"]
    words += [f"-c={connections}", f"-n={requests}", url]
    report = shell.run(["docker", "exec", client, "fortio", "load", *words], echo=False)
    return of_fortio(json.loads(report), requests)


def redis(client: str, server: str, *, requests: int) -> Load:
    """Read a key from the container ``client`` on one connection, one GET after another."""
    words = ["-h", server, "-c", "1", "-n", str(requests), "-t", "get", "--csv"]
    return of_redis(shell.run(["docker", "exec", client, "redis-benchmark", *words], echo=False))


def of_fortio(report: Mapping[str, Any], requests: int) -> Load:
    """The load that a report of fortio is about."""
    codes = report["RetCodes"]
    if codes != {"200": requests}:
        raise OrchlabError(f"not all of {requests} requests were answered with 200: {codes}")
    found = report["DurationHistogram"]["Percentiles"]
    percentiles = {each["Percentile"]: each["Value"] * MS_PER_S for each in found}
    return Load(report["ActualQPS"], percentiles[50], percentiles[99])


def of_redis(table: str) -> Load:
    """The load that a table of redis-benchmark is about."""
    rows = [row for row in csv.DictReader(table.splitlines()) if row.get("test") == "GET"]
    if len(rows) != 1:
        raise OrchlabError(f"redis-benchmark did not report: {table.strip()}")
    names = ("rps", "p50_latency_ms", "p99_latency_ms")
    return Load(*(float(rows[0][name]) for name in names))
