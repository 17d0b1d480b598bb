from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from app.log import REQUEST_ID, JsonLines
from tests.unit.app_client import KEY, WITH_KEY, ask, client, settings


def record(message: str, **more: object) -> logging.LogRecord:
    """A record as a logger would make it."""
    made = logging.LogRecord("app.x", logging.INFO, __file__, 1, message, (), None)
    vars(made).update(more)
    return made


def test_a_record_is_one_json_line() -> None:
    """Newlines and quotes in a message cannot forge a second line."""
    line = JsonLines().format(record('first\n{"level": "forged"}', created=1.5))
    assert "\n" not in line
    parsed = json.loads(line)
    assert parsed["message"] == 'first\n{"level": "forged"}'
    assert parsed["time"] == "1970-01-01T00:00:01.500+00:00"
    assert (parsed["level"], parsed["logger"]) == ("INFO", "app.x")
    assert "request_id" not in parsed


def test_fields_request_id_and_traceback_are_in_the_line() -> None:
    """What belongs to a record is found by name, not by reading sentences."""
    token = REQUEST_ID.set("r-1")
    reason = RuntimeError("why")
    made = record("request", fields={"status": 500}, exc_info=(RuntimeError, reason, None))
    try:
        parsed = json.loads(JsonLines().format(made))
    finally:
        REQUEST_ID.reset(token)
    assert (parsed["request_id"], parsed["status"]) == ("r-1", 500)
    assert parsed["exception"].endswith("RuntimeError: why")


@pytest.mark.parametrize(
    ("method", "path", "level"),
    [
        ("GET", "/", logging.DEBUG),
        ("GET", "/nowhere", logging.DEBUG),
        ("GET", "/health", logging.DEBUG),
        ("GET", "/ready", logging.DEBUG),  # 503 here: a probe that fails, again and again
        ("GET", "/metrics", logging.DEBUG),
        ("GET", "/status", logging.WARNING),  # 401
        ("GET", "/count", logging.WARNING),  # 503
    ],
)
def test_only_requests_that_somebody_will_look_for_are_logged(
    method: str, path: str, level: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Successes and probes appear with DEBUG_MODE only; failures and missing keys always."""
    caplog.set_level(logging.DEBUG, "app")
    answer = ask(settings(tmp_path), method, path, headers={"X-Request-ID": "mine"})
    (logged,) = [each for each in caplog.records if each.name == "app.access"]
    assert logged.levelno == level
    fields = vars(logged)["fields"]
    assert fields["ms"] > 0
    assert fields | {"ms": 0} == {
        "method": method,
        "path": path,
        "status": answer.status_code,
        "ms": 0,
    }


def test_redis_away_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A change is logged, not every probe that notices it."""

    async def use() -> None:
        async with client(settings(tmp_path)) as http:
            for path in ("/ready", "/ready", "/count"):
                assert (await http.get(path)).status_code == 503

    asyncio.run(use())
    about_redis = [each for each in caplog.records if each.name == "app.store"]
    assert [each.getMessage() for each in about_redis] == [
        "Redis does not answer (ConnectionError)"
    ]


def test_no_secret_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the key, right or wrong, nor a query, nor a body reaches the log."""
    caplog.set_level(logging.DEBUG, "app")
    used = settings(tmp_path)
    ask(used, "GET", "/status?token=hunter2", headers=WITH_KEY)
    ask(used, "GET", "/status", headers={"X-API-Key": "hunter2"})
    ask(used, "PUT", "/files/a", content=b"hunter2")
    ours = [each for each in caplog.records if each.name.startswith("app.")]
    assert len([each for each in ours if each.name == "app.access"]) == 3
    everything = "\n".join(JsonLines().format(each) for each in ours)
    assert KEY not in everything
    assert "hunter2" not in everything
