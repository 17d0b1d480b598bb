"""What is in force on Compose, read from the running containers and the edge's file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from orchlab.platforms.base import DEFAULTS, HARDENED

NS_PER_S = 1_000_000_000
MIB = 1024 * 1024

HEALTH_DEFAULTS = {"Interval": 30, "Timeout": 30, "Retries": 3}
"""Seconds, seconds, failures in a row: the engine's, where a container says nothing."""
STOP_GRACE_DEFAULT = 10
RESTART_DELAY = "0.1 s, doubled up to 60 s, anew after 10 s of running (default)"
"""Fixed in the engine: there is no setting for it."""

DATA_PATHS = {
    DEFAULTS: "client, published port of each replica, bridge network, app",
    HARDENED: ("client, published port, HAProxy edge (replicas found by DNS), bridge network, app"),
}
UPDATES = {
    DEFAULTS: "all replicas at once; a bad image stays",
    HARDENED: "one more at a time, reached before an old one goes; a bad image is undone",
}

_NONE_FREE = "all ports are allocated"
_PORT_TAKEN = (
    re.compile(r"Bind for \S*:(\d+) failed: port is already allocated"),
    re.compile(r"listen tcp4? \S*:(\d+): bind: address already in use"),
)
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_CHECK = re.compile(r"^\s*default-server\s+check\s+(.*?)\s*$", re.MULTILINE)
_CHECK_KNOBS = ("inter", "fastinter", "fall", "rise")


def taken_port(output: str, asked: str) -> str:
    """The port of which ``docker compose up`` says that it is taken; empty if it doesn't.

    Of a block that was ``asked`` for, it names none.
    """
    if _NONE_FREE in output:
        return asked
    found = (pattern.search(output) for pattern in _PORT_TAKEN)
    return next((match.group(1) for match in found if match), "")


def first_version(output: str) -> str:
    """The first ``x.y.z`` in what a program says about itself, or ``unknown``."""
    match = _VERSION.search(output)
    return match.group() if match else "unknown"


def edge_check(config: str) -> str:
    """How the edge checks a replica, such as ``inter 500ms, fall 2``, from its file."""
    match = _CHECK.search(config)
    words = match.group(1).split() if match else []
    found = (f"{name} {value}" for name, value in pairwise(words) if name in _CHECK_KNOBS)
    return ", ".join(found) or "none"


def knobs(web: Mapping[str, Any], edge_config: str, variant: str) -> dict[str, str]:
    """What is in force for a replica (its ``inspect`` answer) in a variant."""
    return {
        "variant": variant,
        "restart policy": restart_policy(web),
        "restart delay": RESTART_DELAY,
        "health check": health_check(web),
        "unhealthy container": "left alone (default)",
        "stop grace": stop_grace(web),
        "limits": limits(web),
        "update": UPDATES[variant],
        "edge check": edge_check(edge_config) if variant == HARDENED else "no edge",
    }


def limits(container: Mapping[str, Any]) -> str:
    """Processors, memory and processes that a container may take, from its ``inspect`` answer."""
    host = container["HostConfig"]
    found = {
        "cpus": host.get("NanoCpus", 0) / NS_PER_S,
        "MiB": host.get("Memory", 0) / MIB,
        "pids": host.get("PidsLimit") or 0,
    }
    return ", ".join(f"{name} {value:g}" for name, value in found.items() if value) or (
        "none (default)"
    )


def restart_policy(container: Mapping[str, Any]) -> str:
    """The restart policy in a container's ``inspect`` answer."""
    policy = container["HostConfig"]["RestartPolicy"]["Name"]
    return str(policy) or "no (default)"


def stop_grace(container: Mapping[str, Any]) -> str:
    """Seconds from SIGTERM to SIGKILL in a container's ``inspect`` answer."""
    seconds = container["Config"].get("StopTimeout")
    return f"{STOP_GRACE_DEFAULT} s (default)" if seconds is None else f"{seconds} s"


def health_check(container: Mapping[str, Any]) -> str:
    """Interval, time-out and retries in a container's ``inspect`` answer."""
    check = container["Config"].get("Healthcheck") or {}
    if check.get("Test") in (None, [], ["NONE"]):  # timers alone check nothing
        return "none (default)"
    interval, timeout = (_seconds(check, key) for key in ("Interval", "Timeout"))
    retries = check.get("Retries") or f"{HEALTH_DEFAULTS['Retries']} (default)"
    start = check.get("StartInterval", 0) / NS_PER_S
    starting = f"; every {start:g} s while starting" if start else ""
    return f"interval {interval}, time-out {timeout}, retries {retries}{starting}"


def _seconds(check: Mapping[str, int], key: str) -> str:
    value = check.get(key)
    return f"{value / NS_PER_S:g} s" if value else f"{HEALTH_DEFAULTS[key]} s (default)"


def append_fsync(answer: str) -> str:
    """The value in the answer of ``redis-cli CONFIG GET appendfsync``."""
    lines: Sequence[str] = answer.split()
    return lines[-1] if lines else "unknown"
