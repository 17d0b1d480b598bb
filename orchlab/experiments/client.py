"""A plain client of the app's counter: one attempt, a time-out, no retry."""

from __future__ import annotations

import requests

TIMEOUT = 5.0


def increment(url: str) -> int:
    """Add one; return the acknowledged value. Raises ``requests.RequestException``."""
    return _value(requests.post(f"{url}/count", timeout=TIMEOUT))


def count(url: str) -> int:
    """Read the counter. Raises ``requests.RequestException``."""
    return _value(requests.get(f"{url}/count", timeout=TIMEOUT))


def _value(answer: requests.Response) -> int:
    answer.raise_for_status()
    return int(answer.json()["count"])
