"""A plain client of the app's counter: a write has one attempt, since it could count twice."""

from __future__ import annotations

from contextlib import suppress

import requests

from orchlab.experiments.base import CAPACITY_WINDOW
from orchlab.wait import wait_until

TIMEOUT = 5.0


def increment(url: str) -> int:
    """Add one; return the acknowledged value. Raises ``requests.RequestException``."""
    return _value(requests.post(f"{url}/count", timeout=TIMEOUT))


def count(url: str) -> int:
    """Read the counter, as soon as it can be read; raises ``WaitTimeout``."""

    def read() -> tuple[int] | None:
        with suppress(requests.RequestException):
            return (_value(requests.get(f"{url}/count", timeout=TIMEOUT)),)
        return None

    return wait_until("the counter can be read", read, timeout=CAPACITY_WINDOW, pause=0.1)[0]


def _value(answer: requests.Response) -> int:
    answer.raise_for_status()
    return int(answer.json()["count"])
