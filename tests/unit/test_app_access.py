from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.unit.app_client import WITH_KEY, ask, client, settings


@pytest.mark.parametrize("path", ["/", "/nowhere", "/status", "/count", "/items/x"])
def test_a_client_may_name_its_request(path: str, tmp_path: Path) -> None:
    """An id that came along is given back, on errors too."""
    answer = ask(settings(tmp_path), "GET", path, headers={"X-Request-ID": "Order-7_b.2"})
    assert answer.headers["X-Request-ID"] == "Order-7_b.2"


@pytest.mark.parametrize("sent", ["", "a b", 'x"}', "a\tb", "é", "a" * 129, "../x", "<b>"])
def test_a_harmful_id_is_replaced(sent: str, tmp_path: Path) -> None:
    """What could break a header, a log or a page is not taken over."""
    headers = {b"X-Request-ID": sent.encode()}
    identity = ask(settings(tmp_path), "GET", "/", headers=headers).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{12}-\d+", identity)


def test_ids_differ(tmp_path: Path) -> None:
    """Requests without an id get one each, and each has exactly one."""

    async def use() -> list[list[str]]:
        async with client(settings(tmp_path)) as http:
            answers = await asyncio.gather(*(http.get("/health") for _ in range(50)))
            return [answer.headers.get_list("X-Request-ID") for answer in answers]

    found = asyncio.run(use())
    assert {len(each) for each in found} == {1}
    assert len({each[0] for each in found}) == 50


def test_metrics_count_requests_by_route(tmp_path: Path) -> None:
    """Method, pattern and status label the figures; paths and names do not."""

    async def use() -> str:
        async with client(settings(tmp_path)) as http:
            for path in ("/items/1", "/items/2", "/items/x", "/secret-path", "/count"):
                await http.get(path)
            await http.delete("/count")
            await http.post("/reset", headers=WITH_KEY)
            answer = await http.get("/metrics")
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            return answer.text

    text = asyncio.run(use())
    rows = re.findall(
        r'http_request_duration_seconds_count{method="(\w+)",route="(.+?)",status="(\d+)"} (.+)',
        text,
    )
    assert sorted(rows) == [
        ("DELETE", "/count", "405", "1.0"),
        ("GET", "(none)", "404", "1.0"),
        ("GET", "/count", "503", "1.0"),
        ("GET", "/items/{item_id}", "200", "2.0"),
        ("GET", "/items/{item_id}", "422", "1.0"),
        ("POST", "/reset", "503", "1.0"),
    ]
    assert "secret-path" not in text


@pytest.mark.parametrize(
    "name", ["process_resident_memory_bytes", "python_info", "app_draining 0.0"]
)
def test_metrics_tell_about_the_process(name: str, tmp_path: Path) -> None:
    """Memory, version and drain can be watched from outside."""
    text = ask(settings(tmp_path), "GET", "/metrics").text
    assert re.search(rf"^{re.escape(name)}", text, re.MULTILINE)
    assert 'app_info{node="node-1",version="7"} 1.0' in text
