"""The app's routes, called in this process; Redis is a closed port, a mute one or a small fake."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import RedisDsn
from starlette.types import ASGIApp, Message

from app.drain import Drain
from app.main import create_app
from app.settings import Settings


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def drain() -> Drain:
    """Not begun; it would never be over."""
    return Drain(60)


@asynccontextmanager
async def client(port: int, drain: Drain) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app whose Redis is at that port."""
    settings = Settings(
        redis_url=RedisDsn(f"redis://127.0.0.1:{port}/0?protocol=2"),
        app_version="7",
        node_name="node-1",
    )
    app = create_app(settings, drain)
    transport = httpx.ASGITransport(app)
    async with started(app), httpx.AsyncClient(transport=transport, base_url="http://app") as http:
        yield http


@asynccontextmanager
async def started(app: ASGIApp) -> AsyncIterator[None]:
    """Start and stop the app as a server would, so that it closes what it opened."""
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}

    async def live() -> None:
        await app(scope, to_app.get, from_app.put)

    life = asyncio.create_task(live())
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    yield
    await to_app.put({"type": "lifespan.shutdown"})
    await life


@asynccontextmanager
async def fake_redis(port: int) -> AsyncIterator[dict[str, int]]:
    """A Redis that knows PING, GET and INCRBY, and answers OK to the rest."""
    values: dict[str, int] = {}
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while line := await reader.readline():
            words = []
            for _ in range(int(line[1:])):
                await reader.readline()
                words.append((await reader.readline()).decode().strip())
            writer.write(answer(words))

    def answer(words: list[str]) -> bytes:
        match words:
            case ["PING"]:
                return b"+PONG\r\n"
            case ["INCRBY", key, "1"]:
                values[key] = values.get(key, 0) + 1
                return b":%d\r\n" % values[key]
            case ["GET", key]:
                text = str(values[key]).encode() if key in values else None
                return b"$-1\r\n" if text is None else b"$%d\r\n%s\r\n" % (len(text), text)
            case _:
                return b"+OK\r\n"

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield values
    finally:
        server.close()
        for writer in writers:
            writer.close()
            await writer.wait_closed()


def get(port: int, drain: Drain, path: str, method: str = "GET") -> httpx.Response:
    """One request to a fresh app."""

    async def ask() -> httpx.Response:
        async with client(port, drain) as http:
            return await http.request(method, path)

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/whoami", "/count", "/nowhere"])
def test_every_reply_says_who_answers(path: str, closed_port: int, drain: Drain) -> None:
    """Replica and version are in the headers of every reply, errors included."""
    answer = get(closed_port, drain, path)
    assert answer.headers["X-Replica"] == socket.gethostname()
    assert answer.headers["X-Version"] == "7"
    assert "Connection" not in answer.headers


def test_whoami_names_replica_node_and_version(closed_port: int, drain: Drain) -> None:
    """A client can see which replica on which node it has reached."""
    expected = {"replica": socket.gethostname(), "node": "node-1", "version": "7"}
    assert get(closed_port, drain, "/whoami").json() == expected


def test_health_does_not_depend_on_redis(closed_port: int, drain: Drain) -> None:
    """A restart would not bring Redis back, so the app stays live without it."""
    assert get(closed_port, drain, "/health").status_code == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/ready"), ("GET", "/count")])
def test_redis_away_is_a_503_problem(
    method: str, path: str, closed_port: int, drain: Drain
) -> None:
    """The answer says when to come back, in the standard form."""
    answer = get(closed_port, drain, path, method)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "1"
    assert answer.json()["status"] == 503


def test_a_failed_write_is_not_called_lost(closed_port: int, drain: Drain) -> None:
    """Without an answer from Redis nobody knows whether the write happened; the reply says so."""
    answer = get(closed_port, drain, "/count", "POST")
    assert answer.status_code == 503
    assert "may or may not" in answer.json()["detail"]


def test_a_mute_redis_is_given_up_within_a_second(mute_port: int, drain: Drain) -> None:
    """A Redis that hangs costs a client less than a second."""
    started = time.monotonic()
    assert get(mute_port, drain, "/count").status_code == 503
    assert time.monotonic() - started < 1


def test_draining_is_not_ready_but_serves(closed_port: int, drain: Drain) -> None:
    """After the signal the balancer is sent away, clients are still answered."""
    drain.begin()
    ready = get(closed_port, drain, "/ready")
    assert ready.status_code == 503
    assert "draining" in ready.json()["detail"]
    assert get(closed_port, drain, "/whoami").status_code == 200


def test_draining_asks_clients_to_reconnect_elsewhere(closed_port: int, drain: Drain) -> None:
    """Every reply of a leaving replica closes its connection."""
    drain.begin()
    for path in ("/", "/ready", "/nowhere"):
        assert get(closed_port, drain, path).headers["Connection"] == "close"


def test_reading_does_not_count(closed_port: int, drain: Drain) -> None:
    """GET reads the counter, POST adds one and answers the new value."""

    async def use() -> list[int]:
        async with fake_redis(closed_port), client(closed_port, drain) as http:
            assert (await http.get("/ready")).status_code == 200
            answers = [await http.request(method, "/count") for method in ("GET", "POST", "GET")]
            return [answer.json()["count"] for answer in answers]

    assert asyncio.run(use()) == [0, 1, 1]


def test_redis_may_come_later(closed_port: int, drain: Drain) -> None:
    """An app that started before Redis counts as soon as Redis is there."""

    async def use() -> tuple[int, httpx.Response]:
        async with client(closed_port, drain) as http:
            before = await http.post("/count")
            async with fake_redis(closed_port):
                return before.status_code, await http.post("/count")

    before, after = asyncio.run(use())
    assert before == 503
    assert after.json() == {"count": 1}
