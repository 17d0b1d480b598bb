"""What Compose heals and what it does not, what data survive, and a Redis that goes away."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from orchlab import shell
from orchlab.platforms.base import Platform, Release, Replica
from orchlab.platforms.compose.adapter import Compose
from orchlab.platforms.compose.project import UP, incarnation
from orchlab.wait import wait_until

pytestmark = pytest.mark.only("compose")

SECONDS = 60.0
ROUNDS = 20
"""Requests for each replica, where every one has to be answered."""
ATTEMPTS = 5
INSIDE = """
import json, sys, time, urllib.request, urllib.error
started = time.monotonic()
try:
    answer = urllib.request.urlopen("http://127.0.0.1:8000" + sys.argv[1], timeout=5)
except urllib.error.HTTPError as error:
    answer = error
body = answer.read().decode()
print(json.dumps([answer.status, dict(answer.headers), body, time.monotonic() - started]))
"""


@pytest.fixture
def stack(platform: Platform, release: Release) -> Iterator[Compose]:
    """The hardened stack, whole before and after."""
    assert isinstance(platform, Compose)
    platform.deploy(release)
    yield platform
    platform.deploy(release)


def url(stack: Compose) -> str:
    """Where clients come in."""
    (entry,) = stack.endpoints()
    return entry.url


def answering(stack: Compose, requests_each: int = ROUNDS) -> Counter[str]:
    """Who answers, on new connections; raises unless every request is answered well."""
    said = Counter[str]()
    for _ in range(requests_each * len(stack.replicas())):
        answer = requests.get(f"{url(stack)}/whoami", timeout=5)
        answer.raise_for_status()
        said[answer.json()["replica"]] += 1
    return said


def inside(stack: Compose, replica: Replica, path: str) -> tuple[int, dict[str, str], str, float]:
    """What a replica answers without the edge: status, headers, body and seconds."""
    status, headers, body, seconds = json.loads(stack.exec(replica, "python3", "-c", INSIDE, path))
    return status, {key.lower(): value for key, value in headers.items()}, body, seconds


def test_the_edge_takes_turns(stack: Compose, release: Release) -> None:
    """Every replica gets its share of the requests."""
    shares = answering(stack)
    assert len(shares) == release.replicas
    assert min(shares.values()) > ROUNDS / 2, shares


def test_a_crashed_process_comes_back_in_its_container(stack: Compose) -> None:
    """SIGKILL behind the engine's back: the same container runs again, counted as a restart."""
    victim = stack.replicas()[0]
    before = stack.project.container(victim.id).attrs
    stack.crash(victim)
    stack.await_serving(len(stack.replicas()))
    after = stack.project.container(victim.id).attrs
    assert after["Id"] == before["Id"]
    assert incarnation(after) != incarnation(before)
    assert after["RestartCount"] == before["RestartCount"] + 1


def test_what_the_engine_was_told_to_kill_stays_dead(stack: Compose) -> None:
    """`docker kill` cancels the restart policy: it is no test of healing."""
    victim = stack.replicas()[0]
    container = stack.project.container(victim.id)
    restarts = container.attrs["RestartCount"]
    shell.run(["docker", "kill", str(container.name)])
    survivors = {each.name for each in stack.replicas()} - {victim.name}
    wait_until(
        "the edge left it out", lambda: set(answering(stack, 1)) <= survivors, timeout=SECONDS
    )
    assert set(answering(stack)) == survivors
    container.reload()
    assert (container.status, container.attrs["RestartCount"]) == ("exited", restarts)


@pytest.mark.parametrize("how", ["restart", "recreate", "redeploy"])
def test_counter_and_files_survive(stack: Compose, release: Release, how: str) -> None:
    """Data are on named volumes: no restart, new container or new deployment touches them."""
    content = f"kept over a {how}\0".encode()
    requests.put(f"{url(stack)}/files/{how}", data=content, timeout=5).raise_for_status()
    counted = requests.post(f"{url(stack)}/count", timeout=5).json()["count"]
    before = {str(each.id) for each in stack.project.containers()}
    if how == "restart":
        stack.project.apply(stack.project.deployment(), "restart")
    elif how == "recreate":
        stack.project.apply(stack.project.deployment(), *UP, "--wait", "--force-recreate")
    else:
        stack.down(volumes=False)
        stack.deploy(release)
    stack.await_serving(release.replicas)
    assert (before == {str(each.id) for each in stack.project.containers()}) == (how == "restart")
    wait_until("Redis", lambda: requests.get(f"{url(stack)}/ready", timeout=5).ok, timeout=SECONDS)
    assert requests.get(f"{url(stack)}/count", timeout=5).json()["count"] == counted
    assert requests.get(f"{url(stack)}/files/{how}", timeout=5).content == content


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_redis_away_and_back(stack: Compose, how: str) -> None:
    """Without Redis the counter says so at once and the app lives; with it all is as before."""
    before = {each.id for each in stack.replicas()}
    redis = str(stack.project.only("redis").name)
    shell.run(["docker", how, redis])
    try:
        replica = stack.replicas()[0]
        quickest = min(_away(stack, replica) for _ in range(ATTEMPTS))
        assert quickest < 1, "seconds until the 503"
        assert inside(stack, replica, "/health")[0] == 200
        wait_until("the edge says it too", lambda: _edge_away(stack), timeout=SECONDS)
    finally:
        shell.run(["docker", "start", redis])
    wait_until("Redis", lambda: requests.get(f"{url(stack)}/count", timeout=5).ok, timeout=SECONDS)
    assert {each.id for each in stack.replicas()} == before, "nobody restarted"


def _away(stack: Compose, replica: Replica) -> float:
    """Seconds until a replica says that it cannot count."""
    status, headers, body, seconds = inside(stack, replica, "/count")
    assert (status, headers["content-type"]) == (503, "application/problem+json")
    assert int(headers["retry-after"]) > 0
    assert "Redis does not answer" in json.loads(body)["detail"]
    return float(seconds)


def _edge_away(stack: Compose) -> bool:
    """Whether the edge answers for all replicas: none is ready."""
    answer = requests.get(f"{url(stack)}/count", timeout=5)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"]
    return bool(answer.json()["detail"] == "no replica is ready")
