from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from anyio import to_thread

from app import work
from tests.unit.app_client import client, settings


def test_so_much_cpu_time_is_burnt() -> None:
    """The CPU time asked for is used, and hardly more."""
    before = time.thread_time()
    report = work.burn(30)
    assert (time.thread_time() - before) * 1000 >= 30
    assert 30 <= report.cpu_ms <= report.wall_ms + 1


def test_the_work_is_done_off_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While all burners are busy other requests are answered; too many more are refused."""
    release, started = threading.Event(), threading.Semaphore(0)

    def held(ms: int) -> work.Work:
        started.release()
        release.wait(timeout=10)
        return work.Work(cpu_ms=ms, wall_ms=ms)

    monkeypatch.setattr(work, "burn", held)
    monkeypatch.setattr(work, "MOST_WAITING", 3)
    monkeypatch.setattr("app.work.os.sched_getaffinity", lambda _: {0, 1})

    async def use() -> tuple[int, int, list[int]]:
        async with client(settings(tmp_path)) as http:
            burning = [asyncio.create_task(http.post("/work?ms=7")) for _ in range(2)]
            for _ in burning:
                await to_thread.run_sync(started.acquire)
            burning += [asyncio.create_task(http.post("/work?ms=7")) for _ in range(3)]
            await asyncio.sleep(0.05)
            healthy = (await http.get("/health")).status_code
            refused = (await http.post("/work?ms=7")).status_code
            release.set()
            return healthy, refused, [each.status_code for each in await asyncio.gather(*burning)]

    assert asyncio.run(use()) == (200, 503, [200] * 5)


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("?ms=1", 200), ("?ms=0", 422), ("?ms=1001", 422), ("?ms=x", 422)],
)
def test_the_work_is_bounded(
    query: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request cannot take more than a second of one CPU; the default is 100 ms."""
    asked: list[int] = []

    def noted(ms: int) -> work.Work:
        asked.append(ms)
        return work.Work(cpu_ms=ms, wall_ms=ms)

    monkeypatch.setattr(work, "burn", noted)

    async def use() -> int:
        async with client(settings(tmp_path)) as http:
            return (await http.post(f"/work{query}")).status_code

    assert asyncio.run(use()) == status
    assert asked == {"": [100], "?ms=1": [1]}.get(query, [])
