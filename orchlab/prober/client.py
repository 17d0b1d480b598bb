"""One attempt over HTTP -> one Sample: no retry, no redirect, one time-out."""

from __future__ import annotations

import time

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from orchlab.apps import Identity
from orchlab.prober.plan import Entry
from orchlab.records import Outcome, Sample, Series

KEEP_S = 4.0
"""Idle connections are dropped before common servers drop them (uvicorn: 5 s), so
that a request doesn't meet a connection which is being closed for idleness."""
REPLICA_HEADER = "X-Replica"
VERSION_HEADER = "X-Version"
OK = range(200, 300)


class Broken(aiohttp.ClientError):
    """The connection failed; the message is the original error's class name."""


async def once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from repeating a GET on a reused connection that was cut.

    It does so for two classes of errors; a ``Broken`` is not one of them.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectionError as error:
        raise Broken(type(error).__name__) from error


def _connector(series: Series) -> aiohttp.TCPConnector:
    """No limit: a request that waited for a connection would not be open loop."""
    if series == "new":
        return aiohttp.TCPConnector(force_close=True, limit=0)
    return aiohttp.TCPConnector(keepalive_timeout=KEEP_S, limit=0)


class Client:
    """Requests of one series to one entry node, with a connection pool of their own.

    ``identity``: how an answer without the header says who gave it.
    """

    def __init__(
        self, series: Series, entry: Entry, timeout_s: float, identity: Identity | None = None
    ) -> None:
        self.series = series
        self.entry = entry
        self._identity = identity
        self._session = aiohttp.ClientSession(
            connector=_connector(series),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(once,),
        )

    async def probe(self, intended_ns: int) -> Sample:
        """Send one request now. Connection errors and time-outs are failures."""
        sent = time.monotonic_ns()
        try:
            answer, body = await self._get()
        except TimeoutError:
            return self._sample(intended_ns, sent, "fail", error="TimeoutError")
        except aiohttp.ClientError as error:
            name = str(error) if isinstance(error, Broken) else type(error).__name__
            return self._sample(intended_ns, sent, "fail", error=name)
        outcome: Outcome = "ok" if answer.status in OK else "fail"
        return self._sample(intended_ns, sent, outcome, answer, replica=self._who(answer, body))

    async def close(self) -> None:
        """Close the pool."""
        await self._session.close()

    async def _get(self) -> tuple[ClientResponse, bytes]:
        async with self._session.get(self.entry.url, allow_redirects=False) as answer:
            return answer, await answer.read()

    def _who(self, answer: ClientResponse, body: bytes) -> str:
        named = answer.headers.get(REPLICA_HEADER, "")
        if named or not self._identity or answer.status not in OK:
            return named
        return self._identity.read(body.decode(errors="replace"))

    def _sample(  # noqa: PLR0913 - a column each
        self,
        intended_ns: int,
        sent_ns: int,
        outcome: Outcome,
        answer: ClientResponse | None = None,
        *,
        error: str = "",
        replica: str = "",
    ) -> Sample:
        return Sample(
            series=self.series,
            entry=self.entry.name,
            intended_ns=intended_ns,
            sent_ns=sent_ns,
            done_ns=time.monotonic_ns(),
            outcome=outcome,
            status=answer.status if answer else 0,
            error=error,
            replica=replica,
            version=answer.headers.get(VERSION_HEADER, "") if answer else "",
        )
