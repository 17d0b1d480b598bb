"""The app as a process: signals and exit status."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from app import probe
from app.__main__ import KEEP_ALIVE_SECONDS
from orchlab.paths import ROOT, STACKS
from orchlab.wait import wait_until

LOG = "app.log"
COMMAND = [sys.executable, "-m", "app"]
POOLED_SECONDS = 90
"""For which Go's ``http.DefaultTransport`` keeps an idle connection: of the usual defaults of
clients with a pool the longest."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running(data: Path, drain_seconds: float) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The app as a process that answers, and its port; killed at the end."""
    port = free_port()
    settings = {"PORT": str(port), "DRAIN_SECONDS": str(drain_seconds), "DATA_DIR": str(data)}
    settings["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    environment = os.environ | settings
    with (
        (data / LOG).open("wb") as log,
        subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            wait_until("the app answers", lambda: probe.healthy(port), timeout=30, pause=0.05)
            yield process, port
        finally:
            process.kill()


def status(port: int, path: str) -> int:
    """What the app answers on a new connection; 0 when nobody listens."""
    with suppress(requests.ConnectionError):
        return requests.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code
    return 0


def test_sigterm_drains_then_ends_well(tmp_path: Path) -> None:
    """After SIGTERM new connections are served for the drain time, then it exits with 0."""
    with running(tmp_path, drain_seconds=1) as (process, port):
        sent = time.monotonic()
        process.send_signal(signal.SIGTERM)
        wait_until("not ready", lambda: status(port, "/ready") == 503, timeout=1, pause=0.02)
        assert status(port, "/whoami") == 200
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - sent >= 1
        assert status(port, "/whoami") == 0


def test_the_whole_log_is_json_lines(tmp_path: Path) -> None:
    """Also what the server itself says; a missing key is there with its request id."""
    with running(tmp_path, drain_seconds=0) as (process, port):
        headers = {"X-Request-ID": "mine"}
        requests.get(f"http://127.0.0.1:{port}/status", headers=headers, timeout=5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert {"app", "app.access", "uvicorn.error"} == {line["logger"] for line in lines}
    messages = [line["message"] for line in lines]
    assert "SIGTERM: draining for 0 s" in messages
    assert "no API key is set: what needs one answers 401" in messages
    (refused,) = [line for line in lines if line["logger"] == "app.access"]
    assert (refused["request_id"], refused["status"]) == ("mine", 401)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(second: signal.Signals, tmp_path: Path) -> None:
    """Whoever asks twice does not wait for the drain; the exit status names the signal."""
    with running(tmp_path, drain_seconds=60) as (process, port):
        process.send_signal(signal.SIGTERM)
        wait_until("draining", lambda: closes(port), timeout=2, pause=0.02)
        process.send_signal(second)
        assert process.wait(timeout=5) == 128 + second


def closes(port: int) -> bool:
    """Whether a reply asks to close the connection."""
    answer = requests.get(f"http://127.0.0.1:{port}/", timeout=5)
    return answer.headers.get("Connection") == "close"


def test_a_wrong_setting_stops_the_start(tmp_path: Path) -> None:
    """One line on stderr names the variable; the exit status is 2."""
    done = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=os.environ | {"PORT": "x", "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("wrong setting: PORT: ")
    assert done.stderr.count("\n") == 1


def test_the_health_check_notices_nobody() -> None:
    """Where nothing listens the image's health check fails instead of raising."""
    assert not probe.healthy(free_port())


@pytest.mark.parametrize("file", ["haproxy.cfg", "port.cfg"])
def test_idle_connections_are_closed_by_the_client(file: str) -> None:
    """App and edges keep them for longer, so that no request meets a connection just closed."""
    edge = (STACKS / "edge" / file).read_text()
    kept = re.findall(r"^ +timeout (?:client|http-keep-alive) +(\d+)s", edge, re.MULTILINE)
    assert len(kept) == 2
    assert min(KEEP_ALIVE_SECONDS, *map(int, kept)) > POOLED_SECONDS
