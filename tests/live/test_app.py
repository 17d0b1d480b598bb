"""The app's image as it runs: one container, Redis beside it, everything else left out."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from orchlab.images.store import ImageStore
from orchlab.wait import wait_until
from tests.live.app_stack import CONFIG, Replica, Stack, running

SCHEMATHESIS = Path(__file__).with_name("schemathesis.toml")
DRAIN_SECONDS = 6
"""Long enough for a busy machine to ask all that a draining replica is asked here."""


@pytest.fixture(scope="module")
def stack(images: ImageStore) -> Iterator[Stack]:
    """Redis, and room for replicas of the app."""
    with running(images.app(), images.ensure("redis")) as made:
        yield made


@pytest.fixture(scope="module")
def web(stack: Stack) -> Replica:
    """A replica as the hardened stacks run it: no faults."""
    return stack.replica("web")


def test_schemathesis_finds_nothing(stack: Stack, web: Replica, tmp_path: Path) -> None:
    """Right and wrong requests of every kind, alone and in sequences, meet what OpenAPI says."""
    argv = [sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", SCHEMATHESIS]
    done = subprocess.run(
        [*argv, "run", f"{web.url}/openapi.json"],
        cwd=tmp_path,
        env=os.environ | {"APP_TEST_KEY": stack.key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tried = re.search(r"Operations: +(\d+) selected", done.stdout)
    document = requests.get(f"{web.url}/openapi.json", timeout=10).json()
    assert tried
    assert int(tried[1]) == sum(len(methods) for methods in document["paths"].values())


def test_status_and_config_tell_what_was_injected(stack: Stack, web: Replica) -> None:
    """With the key one sees the settings, without their secrets, and the configuration file."""
    status = requests.get(f"{web.url}/status", headers=stack.headers, timeout=10)
    settings = status.json()["settings"]
    assert status.json()["redis"]["up"] is True
    assert settings["REDIS_URL"] == f"redis://**********@{stack.redis.name}:6379/0"
    assert settings["API_KEY_FILE"] == "/run/secrets/api_key"
    for secret in (stack.password, stack.key):
        assert secret not in status.text
    config = requests.get(f"{web.url}/config", headers=stack.headers, timeout=10)
    assert config.json() == json.loads(CONFIG.read_text())


def test_the_key_is_neither_in_the_container_nor_in_its_log(stack: Stack, web: Replica) -> None:
    """`docker inspect` shows where the key is, not what it is; used or refused, none is logged."""
    for key in (stack.key, "a-wrong-one"):
        headers = {"X-API-Key": key, "X-Request-ID": "asked-for"}
        requests.get(f"{web.url}/status?key={key}", headers=headers, timeout=10)
    refused = web.line(request_id="asked-for")
    assert (refused["status"], refused["path"]) == (401, "/status")
    for secret in (stack.key, stack.password, "a-wrong-one"):
        assert secret not in web.log()
    web.container.reload()
    assert stack.key not in str(web.container.attrs)


@pytest.mark.parametrize(("away", "back"), [("stop", "start"), ("pause", "unpause")])
def test_redis_away_and_back(stack: Stack, web: Replica, away: str, back: str) -> None:
    """Gone or hung, Redis costs a client less than a second; it is found again by itself."""
    before = requests.post(f"{web.url}/count", timeout=10).json()["count"]
    started = web.container.attrs["State"]["StartedAt"]
    getattr(stack.redis, away)()
    try:
        answer = requests.get(f"{web.url}/count", timeout=1)
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"] == "1"
        assert (web.status("/health"), web.status("/ready")) == (200, 503)
        shown = requests.get(f"{web.url}/status", headers=stack.headers, timeout=10)
        assert shown.json()["redis"]["up"] is False
        late = stack.replica(f"late-{away}")
        assert late.status("/ready") == 503
    finally:
        getattr(stack.redis, back)()
    for each in (web, late):
        wait_until("ready again", lambda each=each: each.status("/ready") == 200, timeout=30)
    late.container.remove(force=True)
    assert requests.post(f"{web.url}/count", timeout=10).json()["count"] == before + 1
    web.container.reload()
    assert web.container.attrs["State"]["StartedAt"] == started, "it was not restarted"
    assert web.line(message="Redis answers again")["logger"] == "app.store"


def test_sigterm_drains_open_and_new_connections(stack: Stack) -> None:
    """Not ready at once; new, kept and half-sent requests are answered; then a clean end."""
    leaving = stack.replica("leaving", DRAIN_SECONDS=str(DRAIN_SECONDS))
    url = leaving.url
    address = urlsplit(url)
    with (
        requests.Session() as kept,
        socket.create_connection((str(address.hostname), address.port), timeout=20) as upload,
    ):
        assert kept.get(f"{url}/whoami", timeout=10).headers.get("Connection") is None
        upload.sendall(b"PUT /files/half HTTP/1.1\r\nHost: app\r\nContent-Length: 10\r\n\r\nfirst")
        leaving.container.kill(signal="SIGTERM")
        wait_until("not ready", lambda: leaving.status("/ready") == 503, timeout=5, pause=0.05)
        fresh = requests.get(f"{url}/whoami", timeout=10)
        assert (fresh.status_code, fresh.headers["Connection"]) == (200, "close")
        again = kept.get(f"{url}/whoami", timeout=10)
        assert (again.status_code, again.headers["Connection"]) == (200, "close")
        upload.sendall(b"-half")
        assert upload.recv(100).startswith(b"HTTP/1.1 201")
    assert leaving.container.wait(timeout=DRAIN_SECONDS + 10)["StatusCode"] == 0
    assert leaving.line(message=f"SIGTERM: draining for {DRAIN_SECONDS} s")


def test_work_leaves_health_alone(web: Replica) -> None:
    """While 4 s of CPU are being burnt, a prober with half that patience is answered."""
    with ThreadPoolExecutor() as pool:
        url = f"{web.url}/work?ms=500"
        burning = [pool.submit(requests.post, url, timeout=60) for _ in range(8)]
        asked = 0
        while not all(each.done() for each in burning):
            assert requests.get(f"{web.url}/health", timeout=2).status_code == 200
            asked += 1
        assert asked
    assert [each.result().status_code for each in burning] == [200] * 8
    assert all(each.result().json()["cpu_ms"] >= 500 for each in burning)


def test_crash_ends_the_process_without_a_drain(stack: Stack) -> None:
    """The answer arrives, then the process is gone with status 1, drain time or not."""
    broken = stack.replica("crash", FAULTS_ENABLED="true", DRAIN_SECONDS="60")
    answer = requests.post(f"{broken.url}/fault/crash", headers=stack.headers, timeout=10)
    assert answer.status_code == 202
    assert broken.container.wait(timeout=30)["StatusCode"] == 1
    assert "draining" not in broken.log()


def test_hang_blocks_everything_but_sigkill(stack: Stack) -> None:
    """Connections are taken and never answered; SIGTERM changes nothing, SIGKILL ends it."""
    broken = stack.replica("hang", FAULTS_ENABLED="true", DRAIN_SECONDS="0")
    url = broken.url
    assert requests.post(f"{url}/fault/hang", headers=stack.headers, timeout=10).status_code == 202
    broken.container.kill(signal="SIGTERM")
    assert broken.line(message="SIGTERM: draining for 0 s"), "the signal arrived"
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{url}/health", timeout=(5, 1))
    broken.container.reload()
    assert broken.container.status == "running"
    broken.container.kill()
    assert broken.container.wait(timeout=30)["StatusCode"] == 137


def test_slow_delays_probes_until_it_is_undone(stack: Stack) -> None:
    """A prober that waits less than the delay gives up; one that waits longer is answered."""
    broken = stack.replica("slow", FAULTS_ENABLED="true")
    url = broken.url
    slow = requests.post(f"{url}/fault/slow?ms=1500", headers=stack.headers, timeout=10)
    assert slow.status_code == 202
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{url}/health", timeout=(5, 1))
    assert requests.get(f"{url}/health", timeout=20).status_code == 200
    requests.post(f"{url}/fault/slow?ms=0", headers=stack.headers, timeout=20)
    assert requests.get(f"{url}/health", timeout=1).status_code == 200


def test_leak_takes_real_memory(stack: Stack) -> None:
    """Each call adds so many MiB to what the kernel counts for the process."""
    broken = stack.replica("leak", FAULTS_ENABLED="true")
    seen = [broken.resident_mib()]
    for _ in range(2):
        url = f"{broken.url}/fault/leak?mib=64"
        assert requests.post(url, headers=stack.headers, timeout=20).status_code == 202
        seen.append(broken.resident_mib())
    assert seen[1] - seen[0] >= 60
    assert seen[2] - seen[1] >= 60
