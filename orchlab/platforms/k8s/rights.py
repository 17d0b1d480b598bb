"""What the API does not tell this user, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from kubernetes.client.exceptions import ApiException

REFUSED = (403, 404)
"""Forbidden, and not there: a cluster of another make keeps its things elsewhere."""


def told(names: Iterable[str], ask: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What ``ask`` finds; where that is refused, each of ``names`` as unknown with the reason."""
    try:
        return ask()
    except ApiException as error:
        return dict.fromkeys(names, f"unknown: {refusal(error)}")


def refusal(error: ApiException) -> str:
    """Why the API did not tell; raises the error itself when that is no matter of rights."""
    if error.status not in REFUSED:
        raise error
    return _without_user(message(error))


def message(error: ApiException) -> str:
    """What the API said: its answer is a ``Status`` object, a proxy's may be anything."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason)


def _without_user(text: str) -> str:
    """The part that says what: ``cannot list resource "nodes" ... at the cluster scope``."""
    found = re.search(r"cannot .*", text)
    return found[0] if found else text
