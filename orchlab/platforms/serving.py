"""Does every node's port reach every replica? Asked from outside, as a client would."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from urllib.parse import urlsplit

from orchlab.platforms.base import Endpoint, Replica
from orchlab.wait import wait_until

TIMEOUT_S = 180.0
"""A Swarm whose nodes were all killed at once was seen to need 90 s: its overlay's members
find each other again only when they retry, once a minute."""
REQUEST_S = 2.0


Ask = Callable[[str, str], dict[str, str]]
"""URL and path -> the object that one GET on a new connection was answered with; empty on
failure. ``get`` asks from here; where no port leads here, something else has to."""


def get(url: str, path: str) -> dict[str, str]:
    """Ask from here, as a client would."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=REQUEST_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return dict(json.loads(answer.read())) if answer.status == http.client.OK else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()


def wait(
    endpoints: Callable[[], list[Endpoint]],
    replicas: Callable[[], list[Replica]],
    count: int,
    hint: str = "",
    ask: Ask = get,
) -> None:
    """Return once each endpoint answers and ``count`` ready replicas have been met.

    Every request has a connection of its own, so that each is balanced anew.
    Raises ``WaitTimeout``.
    """
    met: dict[str, set[str]] = {}

    def check() -> bool:
        ready = {each.name for each in replicas() if each.ready}
        for endpoint in endpoints():
            answered = met.setdefault(endpoint.node, set())
            answered.update(filter(None, (whoami(endpoint.url, ask) for _ in range(count))))
        return len(ready) == count and all(met.values()) and ready <= set().union(*met.values())

    wait_until(
        f"{count} replicas reached through every node",
        check,
        timeout=TIMEOUT_S,
        state=lambda: f"answered: {met}; reported: {replicas()}",
        hint=hint,
    )


def wait_for_store(endpoints: Callable[[], list[Endpoint]], count: int, ask: Ask = get) -> None:
    """Return once ``count`` requests in a row through each endpoint met a ready replica.

    A replica is ready when it reaches Redis. Raises ``WaitTimeout``.
    """
    wait_until(
        "the app reaches Redis",
        lambda: all("status" in ask(each.url, "/ready") for each in endpoints() * count),
        timeout=TIMEOUT_S,
    )


def whoami(url: str, ask: Ask = get) -> str:
    """The replica that answers one request; empty when none does."""
    return ask(url, "/whoami").get("replica", "")
