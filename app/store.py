"""The counter in Redis, with a limit on how long an answer may take."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")

BUDGET_SECONDS = 0.4
"""For one command, connecting and name look-up included. Shorter than the edge waits
for an answer, so that a client gets this app's 503 and not the edge's time-out."""

KEY = "count"

logger = logging.getLogger(__name__)


class StoreAway(Exception):
    """Redis did not answer in time; whether a write took place is unknown."""


class Store:
    """A counter that all replicas share.

    The client connects on first use and again after a loss, so the app may start
    before Redis. It never repeats a command: a repeated increment could count twice.
    """

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
        self._away = False

    async def ping(self) -> None:
        """Return when Redis answers; raises ``StoreAway``."""
        await self._ask(self._redis.ping())

    async def count(self) -> int:
        """The counter's value; raises ``StoreAway``."""
        return int(await self._ask(self._redis.get(KEY)) or 0)

    async def increment(self) -> int:
        """Add one atomically and return the new value; raises ``StoreAway``."""
        return int(await self._ask(self._redis.incr(KEY)))

    async def reset(self) -> int:
        """Set the counter to zero and return what it was, in one step; raises ``StoreAway``."""
        return int(await self._ask(self._redis.set(KEY, 0, get=True)) or 0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()

    async def _ask(self, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                got = await answer
        except (RedisError, OSError, TimeoutError) as error:
            self._note(away=True, why=type(error).__name__)
            raise StoreAway(type(error).__name__) from error
        self._note(away=False)
        return got

    def _note(self, *, away: bool, why: str = "") -> None:
        """Log the change, not every request that meets it."""
        if away is not self._away:
            self._away = away
            if away:
                logger.warning("Redis does not answer (%s)", why)
            else:
                logger.info("Redis answers again")
