"""What a container's ``inspect`` answer says about its health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ENDED = ("exited", "restarting", "dead")
MOST_WORDS = 300


def health(container: Mapping[str, Any]) -> str:
    """``healthy``, ``unhealthy`` or ``starting``; empty where nothing checks it."""
    return str((container["State"].get("Health") or {}).get("Status", ""))


def serves(container: Mapping[str, Any]) -> bool:
    """Whether the engine holds it for healthy, or just running if nothing checks its health."""
    running = container["State"]["Status"] == "running"
    return bool(running and health(container) in ("healthy", ""))


def ended(container: Mapping[str, Any]) -> bool:
    """Whether its process has ended and does not run again yet."""
    return container["State"]["Status"] in ENDED


def trouble(container: Mapping[str, Any]) -> str:
    """Why a new container will not serve; empty as long as it may still come to that.

    One that has ended once is in trouble even if its restart policy tries again.
    """
    state = container["State"]
    if ended(container) or container["RestartCount"]:
        memory = ": it took more memory than it may" if state.get("OOMKilled") else ""
        status = f" with exit status {state['ExitCode']}" if state["ExitCode"] else ""
        return f"its process ended{status}{memory}"
    if health(container) == "unhealthy":
        return f"it is unhealthy (health check: {last_check(container)})"
    return ""


def last_check(container: Mapping[str, Any]) -> str:
    """Exit status and output of the last health check, on one line; empty before the first."""
    log = (container["State"].get("Health") or {}).get("Log") or []
    if not log:
        return ""
    output = " ".join(str(log[-1]["Output"]).split())[:MOST_WORDS]
    return f"exit status {log[-1]['ExitCode']}{': ' if output else ''}{output}"
