"""Are NetworkPolicies enforced? A plugin that does not implement them says nothing, so try."""

from __future__ import annotations

from collections.abc import Iterable

from orchlab.errors import CommandFailed
from orchlab.platforms.base import Replica
from orchlab.platforms.k8s.control import Control

FORBIDDEN = """
import os, socket
try:
    socket.create_connection((os.environ["KUBERNETES_SERVICE_HOST"], 443), 2).close()
    print("connected")
except TimeoutError:
    print("dropped")
"""
"""The API server: every pod knows its address, and the policies let no pod of the app there."""


def in_force(control: Control, replicas: Iterable[Replica]) -> str:
    """How many policies there are, and whether a forbidden connection was possible."""
    count = len(control.api.policies(control.namespace))
    if not count:
        return "none (default)"
    ready = next((each for each in replicas if each.ready), None)
    return f"{count} applied{_outcome(control, ready)}"


def _outcome(control: Control, replica: Replica | None) -> str:
    if replica is None:
        return ", enforcement unknown: no replica is ready to try"
    attempt = ("exec", "-n", control.namespace, replica.name, "--", "python3", "-c", FORBIDDEN)
    try:
        said = control.run(*attempt, echo=False).strip()
    except CommandFailed as error:
        return f", enforcement unknown: {error.output.strip().rpartition(chr(10))[2]}"
    if said == "connected":
        return " but not enforced: a forbidden connection was possible"
    return " and enforced: a forbidden connection was dropped"
