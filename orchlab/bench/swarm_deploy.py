"""`invoke swarm-deploy` and `swarm-update` against the same `docker stack deploy` by hand.

By hand the command waits by itself (``--detach=false``), as somebody would who wants to
know how it ended. The nodes are up and have every image.
"""

from __future__ import annotations

import itertools
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchlab import console, shell
from orchlab.bench.echoes import echoed
from orchlab.bench.figure import Reading, Sides
from orchlab.bench.stopwatch import quiet, timed
from orchlab.images.store import ImageStore
from orchlab.paths import ROOT
from orchlab.platforms.base import HARDENED
from orchlab.platforms.swarm.adapter import Swarm

INVOKE = [sys.executable, "-m", "invoke"]
DEPLOY = [*INVOKE, "swarm-deploy", f"--variant={HARDENED}"]
BRING_UP = "docker stack deploy"
APP_IMAGE = re.compile(r"(?<=\bAPP_IMAGE=)\S+")


@contextmanager
def deploy(images: ImageStore) -> Iterator[Sides]:
    """Both from nodes without a stack to one that runs."""
    with _warm(images) as (swarm, script):
        yield Sides(
            ours=lambda: _timed(DEPLOY, before=swarm.undeploy),
            other=lambda: _timed(["sh", "-ec", script], before=swarm.undeploy),
            knobs={"by hand": script, "before each": "stack, networks and volumes removed"},
        )


@contextmanager
def update(images: ImageStore) -> Iterator[Sides]:
    """Both from one version of the app to the other, each reading the opposite way."""
    with _warm(images) as (swarm, script):
        versions = itertools.cycle(("2", "1"))
        for version in ("1", "2"):
            swarm.publish(images.app(version))

        def command(version: str) -> list[str]:
            image = swarm.registry.reference(images.app(version))
            return ["sh", "-ec", APP_IMAGE.sub(shlex.quote(image), script)]

        yield Sides(
            ours=lambda: _timed([*INVOKE, "swarm-update", f"--app-version={next(versions)}"]),
            other=lambda: _timed(command(next(versions))),
            knobs={"by hand": script, "variant": HARDENED, "before each": "nothing"},
        )


def by_hand(output: str) -> str:
    """The command that the task echoed, told to wait for its end."""
    return echoed(output, BRING_UP)[0].replace(BRING_UP, f"{BRING_UP} --detach=false")


@contextmanager
def _warm(images: ImageStore) -> Iterator[tuple[Swarm, str]]:
    """A swarm that runs the hardened variant, and the command that deployed it."""
    swarm = Swarm(images)
    try:
        with console.step("swarm-deploy: once for warming up"):
            output = shell.run(DEPLOY, cwd=ROOT, on_line=quiet)
        yield swarm, by_hand(output)
    finally:
        swarm.delete()


def _timed(command: list[str], before: Callable[[], None] = lambda: None) -> Reading:
    return timed(lambda: shell.run(command, cwd=ROOT, echo=False), before)
