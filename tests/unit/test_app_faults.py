"""Faults that this process survives; crash and hang are tried on containers."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

import httpx
import pytest

from tests.unit.app_client import WITH_KEY, ask, client, settings


@pytest.mark.parametrize("kind", ["crash", "hang", "slow?ms=1", "leak?mib=1"])
def test_where_faults_are_not_enabled_there_are_none(kind: str, tmp_path: Path) -> None:
    """By default the routes do not exist, whatever key comes along."""
    assert ask(settings(tmp_path), "POST", f"/fault/{kind}", headers=WITH_KEY).status_code == 404


def test_a_kind_that_does_not_exist_is_404(tmp_path: Path) -> None:
    """A typing error is not taken for another fault."""
    used = settings(tmp_path, faults_enabled=True)
    assert ask(used, "POST", "/fault/hung", headers=WITH_KEY).status_code == 404


def test_slow_delays_every_later_request_until_it_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Probes are delayed like the rest; zero ends it."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async def use() -> httpx.Response:
        async with client(settings(tmp_path, faults_enabled=True)) as http:
            await http.get("/health")
            answer = await http.post("/fault/slow?ms=300", headers=WITH_KEY)
            for path in ("/health", "/nowhere"):
                await http.get(path)
            await http.post("/fault/slow?ms=0", headers=WITH_KEY)
            await http.get("/health")
            return answer

    monkeypatch.setattr("app.faults.asyncio.sleep", wait)
    answer = asyncio.run(use())
    assert (answer.status_code, answer.json()["fault"]) == (202, "slow")
    assert waits == [0.3, 0.3, 0.3], "two requests, and the one that ended it"


def test_leak_keeps_more_each_time(tmp_path: Path) -> None:
    """The memory is still in use after the answer, and adds up."""

    async def use() -> list[str]:
        async with client(settings(tmp_path, faults_enabled=True)) as http:
            answers = [await http.post("/fault/leak?mib=3", headers=WITH_KEY) for _ in range(2)]
            assert tracemalloc.get_traced_memory()[0] >= 6 * 2**20
            return [answer.json()["detail"] for answer in answers]

    tracemalloc.start()
    try:
        assert asyncio.run(use()) == ["3 MiB are kept", "6 MiB are kept"]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "query", ["slow", "slow?ms=-1", "slow?ms=60001", "leak", "leak?mib=0", "leak?mib=1025"]
)
def test_faults_are_bounded(query: str, tmp_path: Path) -> None:
    """What is out of range, or not said at all, is 422."""
    used = settings(tmp_path, faults_enabled=True)
    assert ask(used, "POST", f"/fault/{query}", headers=WITH_KEY).status_code == 422
