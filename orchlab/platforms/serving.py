"""Does every node's port reach every replica? Asked from outside, as a client would."""

from __future__ import annotations

import http.client
from collections import defaultdict
from collections.abc import Callable
from urllib.parse import urlsplit

from orchlab.apps import LABS_OWN, App
from orchlab.parallel import in_parallel
from orchlab.platforms.base import Endpoint, Replica
from orchlab.wait import SYSTEM, Clock, wait_until

TIMEOUT_S = 180.0
"""A Swarm whose nodes were all killed at once was seen to need 90 s: its overlay's members
find each other again only when they retry, once a minute."""
PAUSE_S = 0.1
REQUEST_S = 2.0
TURNS = 4
"""Requests in a row for each replica: drawn by lot, as kube-proxy does it, three replicas are all
met in 97 of 100 such rows, and one that is gone is seldom missed."""
STEADY_S = 3.0
"""A node that came back was seen to answer for half a second, and then no more."""


Ask = Callable[[str, str], str | None]
"""URL and path -> the body with which one GET on a new connection was answered; None on
failure. ``get`` asks from here; where no port leads here, something else has to."""


def get(url: str, path: str) -> str | None:
    """Ask from here, as a client would."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=REQUEST_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    else:
        return body if answer.status == http.client.OK else None
    finally:
        connection.close()


def wait(  # noqa: PLR0913 - the last ones have plain defaults
    endpoints: Callable[[], list[Endpoint]],
    replicas: Callable[[], list[Replica]],
    count: int,
    hint: str = "",
    *,
    app: App = LABS_OWN,
    ask: Ask = get,
    shared: bool = True,
) -> None:
    """Return once each endpoint has led to ``count`` ready replicas, and leads to no other.

    Every request has a connection of its own, so that each is balanced anew. What is on its
    way out serves on, and a node may lead to it for a moment after its successor is ready; one
    that was cut off may lead to a part of them only. Where replicas have an endpoint each, and
    so none is ``shared``, all endpoints together have to. Replicas of an app that does not say
    who they are cannot be met: ``count`` have to be ready, and as many requests in a row to be
    answered through each endpoint. Raises ``WaitTimeout``.
    """
    met = _Met()
    last: dict[str, set[str]] = {}

    def check() -> bool:
        nonlocal last
        ready = [each for each in replicas() if each.ready]
        if not app.identity:
            return len(ready) == count and _all_answer(endpoints(), app.health, count, ask)
        entries = endpoints()
        answers = in_parallel(lambda each: _answering(each.url, TURNS * count, ask, app), entries)
        last = {each.node: seen for each, seen in zip(entries, answers, strict=True)}
        met.note(ready, last if shared else {"": set().union(*last.values())})
        return len(ready) == count and bool(last) and met.whole(ready)

    wait_until(
        f"{count} replicas reached through every node",
        check,
        timeout=TIMEOUT_S,
        pause=PAUSE_S,
        state=lambda: f"answered: {last}; reported: {replicas()}",
        hint=hint,
    )


class _Met:
    """Whom each entry has led to, while the replicas live on; who has answered it last."""

    def __init__(self) -> None:
        self.lives: set[str] = set()
        self.ever: defaultdict[str, set[str]] = defaultdict(set)
        self.last: dict[str, set[str]] = {}

    def note(self, ready: list[Replica], answered: dict[str, set[str]]) -> None:
        """Add what one look at all entries has shown; a successor may have the same name."""
        lives = {each.id for each in ready}
        if lives != self.lives:
            self.ever.clear()
        self.lives, self.last = lives, answered
        for entry, names in answered.items():
            self.ever[entry] |= names

    def whole(self, ready: list[Replica]) -> bool:
        """Whether each entry has led to all of them, and none leads to any other now."""
        names = {each.name for each in ready}
        return all(seen <= names <= self.ever[entry] for entry, seen in self.last.items())


def wait_for_store(endpoints: Callable[[], list[Endpoint]], count: int, ask: Ask = get) -> None:
    """Return once ``count`` requests in a row through each endpoint met a ready replica.

    A replica is ready when it reaches Redis. Raises ``WaitTimeout``.
    """
    wait_until(
        "the app reaches Redis",
        lambda: _all_answer(endpoints(), "/ready", count, ask),
        timeout=TIMEOUT_S,
    )


def wait_until_steady(
    endpoints: Callable[[], list[Endpoint]],
    path: str,
    timeout: float,
    *,
    ask: Ask = get,
    clock: Clock = SYSTEM,
) -> None:
    """Return once each endpoint has answered for ``STEADY_S`` without a failure.

    What was cut off may answer for a moment, and only then be replaced. Raises ``WaitTimeout``.
    """
    failed = clock.now()

    def check() -> bool:
        nonlocal failed
        if not _all_answer(endpoints(), path, 1, ask):
            failed = clock.now()
        return clock.now() - failed >= STEADY_S

    wait_until("every node serves steadily", check, timeout=timeout, clock=clock)


def whoami(url: str, ask: Ask = get, app: App = LABS_OWN) -> str:
    """The replica that answers one request; empty when none does, or none says so."""
    body = ask(url, app.asked)
    return app.identity.read(body) if app.identity and body is not None else ""


def _answering(url: str, requests: int, ask: Ask, app: App) -> set[str]:
    """Who answers so many requests in a row, as ``whoami`` has it; the first failure ends it."""
    seen: set[str] = set()
    for _ in range(requests):
        seen.add(whoami(url, ask, app))
        if "" in seen:
            break
    return seen


def _all_answer(endpoints: list[Endpoint], path: str, count: int, ask: Ask) -> bool:
    """Whether ``count`` requests in a row through each endpoint are answered."""
    return bool(endpoints) and all(ask(each.url, path) is not None for each in endpoints * count)
