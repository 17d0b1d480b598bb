"""What the lab adds to Compose: updates with a way back, scaling, hardening."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import cast

import docker
import pytest

from orchlab import labels, shell
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.store import Image
from orchlab.platforms.base import DEFAULTS, Platform, Release, Replica
from orchlab.platforms.compose.adapter import Compose
from tests.live.replicas import NoLoss, identities

pytestmark = pytest.mark.only("compose")

ENDS = ["sh", "-c", "echo the disk is made of cheese; exit 3"]
NEVER_READY = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 500)
        self.end_headers()
ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


@pytest.fixture
def stack(platform: Platform) -> Compose:
    """The adapter with all that it can do beyond a platform."""
    return cast("Compose", platform)


@pytest.fixture
def spoiled(release: Release) -> Iterator[Callable[[list[str]], Image]]:
    """Images that start another command than the app's."""
    client = docker.from_env()
    made: list[str] = []

    def make(command: list[str]) -> Image:
        container = client.containers.create(release.image.reference, labels=labels.labels())
        change = f"CMD {json.dumps(command)}"
        image = container.commit(f"{labels.LAB}/spoiled", str(len(made)), changes=change)
        container.remove()
        made.append(f"{labels.LAB}/spoiled:{len(made)}")
        return Image(made[-1], str(image.id))

    yield make
    for reference in made:
        client.images.remove(reference)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (ENDS, "the disk is made of cheese"),
        (["python3", "-c", NEVER_READY], "GET /ready: 500"),
    ],
    ids=["ends", "never ready"],
)
def test_a_bad_image_is_undone_without_a_loss(
    stack: Compose,
    spoiled: Callable[[list[str]], Image],
    no_loss: NoLoss,
    command: list[str],
    reason: str,
) -> None:
    """The old replicas serve all the while; what is wrong with the new one is said."""
    before = identities(stack)
    with no_loss():
        rollout = stack.update(spoiled(command))
    assert rollout.outcome == "rolled-back"
    assert reason in rollout.reason
    assert identities(stack) == before


def test_a_deployment_whose_replica_ends_says_why(
    stack: Compose, release: Release, spoiled: Callable[[list[str]], Image]
) -> None:
    """At once, although no health check tells Compose: with its status and its last words."""
    with pytest.raises(OrchlabError, match="exit status 3; it said: the disk is made of cheese"):
        stack.deploy(Release(spoiled(ENDS), 1, variant=DEFAULTS))
    stack.deploy(release)


def test_a_replica_that_was_replaced_is_no_victim(stack: Compose) -> None:
    """A fault is not done to its successor; there is nothing to resume either."""
    gone = Replica("gone", f"{stack.project.only('web').short_id}/yesterday", "", ready=True)
    stack.resume(gone)
    with pytest.raises(OrchlabError, match="replaced"):
        stack.hang(gone)


@pytest.mark.parametrize("service", ["web", "redis", "edge"])
def test_a_hardened_container_cannot_do_what_it_need_not(stack: Compose, service: str) -> None:
    """It is not root, writes nothing to its image, and has no capability."""
    name = str(stack.project.only(service).name)
    status = shell.run(["docker", "exec", name, "cat", "/proc/1/status"], echo=False)
    facts = dict(line.split(":\t", 1) for line in status.splitlines())
    assert "0" not in facts["Uid"].split()
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    assert facts["NoNewPrivs"] == "1"
    with pytest.raises(CommandFailed, match="Read-only file system"):
        shell.run(["docker", "exec", name, "touch", "/etc/written"], echo=False)


def test_limits_are_in_force(stack: Compose) -> None:
    """What the stack file says is what the engine applies, as the facts show."""
    assert stack.facts().knobs["limits"] == "cpus 1, MiB 256, pids 100"
