from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.requests import ClientDisconnect

from tests.unit.app_client import WITH_KEY, ask, client, settings

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/health/", 404),
        ("GET", "/files/none", 404),
        ("GET", "/files/../etc/passwd", 404),
        ("DELETE", "/count", 405),
        ("GET", "/status", 401),
        ("GET", "/items/x", 422),
        ("POST", "/work?ms=0", 422),
        ("PUT", "/files/.hidden", 422),
        ("GET", "/count", 503),
    ],
)
def test_every_error_is_a_problem(method: str, path: str, status: int, tmp_path: Path) -> None:
    """Whatever goes wrong, the reply has the media type and the members of RFC 9457."""
    answer = ask(settings(tmp_path), method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == PROBLEM
    assert {"title", "status", "detail"} <= answer.json().keys()
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/count", "GET, POST"), ("/files/a", "DELETE, GET, PUT"), ("/reset", "POST")],
)
def test_405_names_all_methods_of_the_path(path: str, allowed: str, tmp_path: Path) -> None:
    """A client learns everything that it can do there, not only the first route's method."""
    assert ask(settings(tmp_path), "PATCH", path).headers["Allow"] == allowed


def test_422_says_where_and_why_but_not_what(tmp_path: Path) -> None:
    """What was sent may be a secret in the wrong place: it is not repeated."""
    answer = ask(settings(tmp_path), "GET", "/items/hunter2?q=" + "hunter2" * 20)
    assert [each["at"] for each in answer.json()["errors"]] == ["path.item_id", "query.q"]
    assert "integer" in answer.json()["detail"]
    assert "hunter2" not in answer.text


def test_a_bug_is_a_500_problem_without_details(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client of a broken route gets a problem with a request id, and no internals."""

    async def broken(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("app.about._redis_state", broken)
    answer = ask(settings(tmp_path), "GET", "/status", headers=WITH_KEY)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, PROBLEM)
    assert answer.headers["X-Request-ID"]
    assert "hunter2" not in answer.text


def test_a_client_that_goes_away_is_no_bug(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An upload that is cut off leaves no file and no traceback."""

    async def cut(http: httpx.AsyncClient) -> httpx.Response:
        async def body() -> object:
            yield b"half of "
            raise ClientDisconnect

        return await http.put("/files/a", content=body())

    async def use() -> tuple[int, int]:
        async with client(settings(tmp_path)) as http:
            return (await cut(http)).status_code, (await http.get("/files/a")).status_code

    assert asyncio.run(use()) == (400, 404)
    assert list(tmp_path.iterdir()) == []
    assert not [each for each in caplog.records if each.exc_info]
