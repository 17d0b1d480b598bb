"""The app's routes, called in this process; Redis is a closed port, a mute one or a small fake."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import RedisDsn

from app.drain import Drain
from tests.unit.app_client import KEY, WITH_KEY, ask, client, fake_redis, settings


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
def leaving() -> Drain:
    """Begun, and far from over."""
    drain = Drain(60)
    drain.begin()
    return drain


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/whoami", "/count", "/nowhere"])
def test_every_reply_says_who_answers(path: str, tmp_path: Path) -> None:
    """Replica and version are in the headers of every reply, errors included."""
    answer = ask(settings(tmp_path), "GET", path)
    assert answer.headers["X-Replica"] == socket.gethostname()
    assert answer.headers["X-Version"] == "7"
    assert "Connection" not in answer.headers


def test_the_index_names_app_and_version(tmp_path: Path) -> None:
    """The front page says what this is."""
    answer = ask(settings(tmp_path, app_name="shop"), "GET", "/")
    assert answer.json() == {"app": "shop", "version": "7"}


def test_whoami_names_replica_node_and_version(tmp_path: Path) -> None:
    """A client can see which replica on which node it has reached."""
    expected = {"replica": socket.gethostname(), "node": "node-1", "version": "7"}
    assert ask(settings(tmp_path), "GET", "/whoami").json() == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/items/7", {"item_id": 7, "q": None}),
        ("/items/7?q=red%20one", {"item_id": 7, "q": "red one"}),
    ],
)
def test_an_item_comes_back_as_asked(
    path: str, expected: dict[str, object], tmp_path: Path
) -> None:
    """Path and query are parsed; the query is optional."""
    assert ask(settings(tmp_path), "GET", path).json() == expected


@pytest.mark.parametrize(
    "path", ["/items/x", "/items/-1", f"/items/{2**53}", "/items/1?q=" + "a" * 101]
)
def test_a_wrong_item_is_refused(path: str, tmp_path: Path) -> None:
    """What is no item id, or a query without end, is 422."""
    assert ask(settings(tmp_path), "GET", path).status_code == 422


def test_health_does_not_depend_on_redis(tmp_path: Path) -> None:
    """A restart would not bring Redis back, so the app stays live without it."""
    answer = ask(settings(tmp_path), "GET", "/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/ready"), ("GET", "/count"), ("POST", "/reset")]
)
def test_redis_away_is_a_503_problem(method: str, path: str, tmp_path: Path) -> None:
    """The answer says when to come back, in the standard form."""
    answer = ask(settings(tmp_path), method, path, headers=WITH_KEY)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "1"
    assert answer.json()["status"] == 503


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("GET", 0)])
def test_a_failed_write_is_not_called_lost(method: str, times: int, tmp_path: Path) -> None:
    """Without an answer from Redis nobody knows whether the write happened; the reply says so."""
    answer = ask(settings(tmp_path), method, "/count")
    assert answer.status_code == 503
    assert answer.json()["detail"].count("may or may not") == times


def test_a_mute_redis_is_given_up_within_a_second(mute_port: int, tmp_path: Path) -> None:
    """A Redis that hangs costs a client less than a second."""
    started = time.monotonic()
    assert ask(settings(tmp_path, mute_port), "GET", "/count").status_code == 503
    assert time.monotonic() - started < 1


def test_draining_is_not_ready_but_serves(leaving: Drain, tmp_path: Path) -> None:
    """After the signal the balancer is sent away, clients are still answered."""
    ready = ask(settings(tmp_path), "GET", "/ready", drain=leaving)
    assert ready.status_code == 503
    assert "draining" in ready.json()["detail"]
    assert ask(settings(tmp_path), "GET", "/whoami", drain=leaving).status_code == 200


@pytest.mark.parametrize("path", ["/", "/ready", "/nowhere"])
def test_draining_asks_clients_to_reconnect_elsewhere(
    path: str, leaving: Drain, tmp_path: Path
) -> None:
    """Every reply of a leaving replica closes its connection."""
    answer = ask(settings(tmp_path), "GET", path, drain=leaving)
    assert answer.headers["Connection"] == "close"


def test_reading_does_not_count(closed_port: int, tmp_path: Path) -> None:
    """GET reads the counter, POST adds one and answers the new value."""

    async def use() -> list[int]:
        async with fake_redis(closed_port), client(settings(tmp_path, closed_port)) as http:
            assert (await http.get("/ready")).status_code == 200
            answers = [await http.request(method, "/count") for method in ("GET", "POST", "GET")]
            return [answer.json()["count"] for answer in answers]

    assert asyncio.run(use()) == [0, 1, 1]


def test_a_reset_is_one_step(closed_port: int, tmp_path: Path) -> None:
    """The counter goes to zero and the reply says what it was, even when it did not exist."""

    async def use() -> list[dict[str, int]]:
        async with (
            fake_redis(closed_port) as values,
            client(settings(tmp_path, closed_port)) as http,
        ):
            first = await http.post("/reset", headers=WITH_KEY)
            values["count"] = 41
            second = await http.post("/reset", headers=WITH_KEY)
            return [first.json(), second.json(), (await http.get("/count")).json()]

    assert asyncio.run(use()) == [
        {"count": 0, "before": 0},
        {"count": 0, "before": 41},
        {"count": 0},
    ]


def test_redis_may_come_later(closed_port: int, tmp_path: Path) -> None:
    """An app that started before Redis counts as soon as Redis is there."""

    async def use() -> tuple[int, httpx.Response]:
        async with client(settings(tmp_path, closed_port)) as http:
            before = await http.post("/count")
            async with fake_redis(closed_port):
                return before.status_code, await http.post("/count")

    before, after = asyncio.run(use())
    assert before == 503
    assert after.json() == {"count": 1}


def test_status_works_without_redis_and_says_so(tmp_path: Path) -> None:
    """Whoever looks after the app sees the state of Redis instead of an error."""
    answer = ask(settings(tmp_path), "GET", "/status", headers=WITH_KEY)
    assert answer.status_code == 200
    assert answer.json()["redis"] == {"up": False, "milliseconds": None, "error": "ConnectionError"}
    assert answer.json()["uptime_seconds"] >= 0
    assert answer.json()["draining"] is False


def test_status_shows_settings_without_secrets(closed_port: int, tmp_path: Path) -> None:
    """Settings appear under the names of their variables, the key and the URL's parts masked."""

    async def use() -> httpx.Response:
        async with fake_redis(closed_port):
            url = RedisDsn(f"redis://maria:hunter2@127.0.0.1:{closed_port}/0?protocol=2")
            async with client(settings(tmp_path, redis_url=url)) as http:
                return await http.get("/status", headers=WITH_KEY)

    answer = asyncio.run(use())
    shown = answer.json()["settings"]
    assert answer.json()["redis"]["up"] is True
    assert shown["APP_VERSION"] == "7"
    assert shown["API_KEY"] == "**********"
    assert shown["REDIS_URL"] == f"redis://**********@127.0.0.1:{closed_port}/0?**********"
    for secret in (KEY, "hunter2", "maria"):
        assert secret not in answer.text


def test_config_is_the_injected_file_as_it_is_now(tmp_path: Path) -> None:
    """A file that changes is seen without a restart; one that vanishes is a 503, not a crash."""
    path = tmp_path / "app.json"
    path.write_text('{"edition": 1}')

    async def use() -> list[httpx.Response]:
        async with client(settings(tmp_path, config_file=path)) as http:
            first = await http.get("/config", headers=WITH_KEY)
            path.write_text('{"edition": 2}')
            second = await http.get("/config", headers=WITH_KEY)
            path.unlink()
            return [first, second, await http.get("/config", headers=WITH_KEY)]

    first, second, third = asyncio.run(use())
    assert [json.loads(first.text), json.loads(second.text)] == [{"edition": 1}, {"edition": 2}]
    assert third.status_code == 503


def test_no_config_is_a_404_problem(tmp_path: Path) -> None:
    """Where no file was injected the reply says so."""
    answer = ask(settings(tmp_path), "GET", "/config", headers=WITH_KEY)
    assert answer.status_code == 404
    assert "no configuration file" in answer.json()["detail"]
