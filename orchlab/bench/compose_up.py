"""`invoke compose-up` against the `docker compose up` that it echoes, run by hand.

By hand it always waits, as somebody would who wants to use what comes up.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import console, labels, shell, sweep
from orchlab.bench.echoes import echoed
from orchlab.bench.figure import Sides
from orchlab.bench.stopwatch import quiet, timed
from orchlab.images.store import ImageStore
from orchlab.paths import ROOT

BRING_UP = "docker compose .*up -d"


@contextmanager
def sides(images: ImageStore, variant: str) -> Iterator[Sides]:
    """Both from nothing to a serving stack of that variant, with the images in place.

    The task's own words say what to do by hand. What it starts is taken away before
    each reading, without waiting for anything to end well.
    """
    images.app()
    task = [sys.executable, "-m", "invoke", "compose-up", f"--variant={variant}"]
    try:
        with console.step(f"compose-up, {variant}: once for warming up"):
            _clear()
            script = by_hand(shell.run(task, cwd=ROOT, on_line=quiet))
        yield Sides(
            ours=lambda: timed(lambda: shell.run(task, cwd=ROOT, echo=False), _clear),
            other=lambda: timed(lambda: shell.run(["sh", "-ec", script], echo=False), _clear),
            knobs={"by hand": script, "before each": "containers, networks, volumes removed"},
        )
    finally:
        sweep.sweep(labels.LAB)


def by_hand(output: str) -> str:
    """The commands that the task echoed, told to wait."""
    lines = echoed(output, BRING_UP)
    return "\n".join(line if "--wait" in line else f"{line} --wait" for line in lines)


def _clear() -> None:
    sweep.sweep(labels.LAB)
