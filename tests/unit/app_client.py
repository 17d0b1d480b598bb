"""The app in this process, and a small fake of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from pydantic import RedisDsn, SecretStr
from starlette.types import ASGIApp, Message

from app.drain import Drain
from app.main import create_app
from app.settings import Settings

KEY = "correct-horse-battery-staple"
WITH_KEY = {"X-API-Key": KEY}


def settings(data_dir: Path, redis_port: int = 1, **more: object) -> Settings:
    """Settings with a key, whose Redis is at that port (1: nobody listens there)."""
    given: dict[str, object] = {
        "app_version": "7",
        "node_name": "node-1",
        "redis_url": RedisDsn(f"redis://127.0.0.1:{redis_port}/0?protocol=2"),
        "data_dir": data_dir,
        "api_key": SecretStr(KEY),
    }
    return Settings.model_validate(given | more)


@asynccontextmanager
async def client(used: Settings, drain: Drain | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a fresh app."""
    app = create_app(used, drain or Drain(60))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with started(app), httpx.AsyncClient(transport=transport, base_url="http://app") as http:
        yield http


def ask(  # noqa: PLR0913 - keyword-only, each with a plain default
    used: Settings,
    method: str,
    path: str,
    *,
    drain: Drain | None = None,
    headers: dict[str, str] | dict[bytes, bytes] | None = None,
    content: bytes | None = None,
) -> httpx.Response:
    """One request to a fresh app."""

    async def once() -> httpx.Response:
        async with client(used, drain) as http:
            return await http.request(method, path, headers=headers, content=content)

    return asyncio.run(once())


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
    """A Redis that knows PING, GET, INCRBY and SET with GET, and answers OK to the rest."""
    values: dict[str, int] = {}
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while line := await reader.readline():
            words = []
            for _ in range(int(line[1:])):
                await reader.readline()
                words.append((await reader.readline()).decode().strip())
            writer.write(_reply(values, words))

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield values
    finally:
        server.close()
        for writer in writers:
            writer.close()
            await writer.wait_closed()


def _reply(values: dict[str, int], words: list[str]) -> bytes:
    match words:
        case ["PING"]:
            return b"+PONG\r\n"
        case ["INCRBY", key, "1"]:
            values[key] = values.get(key, 0) + 1
            return b":%d\r\n" % values[key]
        case ["GET", key]:
            return _bulk(values.get(key))
        case ["SET", key, number, "GET"]:
            before, values[key] = values.get(key), int(number)
            return _bulk(before)
        case _:
            return b"+OK\r\n"


def _bulk(value: int | None) -> bytes:
    text = b"" if value is None else str(value).encode()
    return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(text), text)
