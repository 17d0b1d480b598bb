"""Platforms that are measured at the same time, each by a process of its own: a lane.

Most of a measurement is waiting for timers of the platform, so three take hardly longer than
the slowest of them. What they cost each other is a share of the machine; the control and the
send lag of each prober say when that was too much, and the attempt is void.

A lane is a process because an interrupt has to end it wherever it is, and because the line of
progress, the current directory and the engine's client are one per process.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from orchlab import console

MODULE = "orchlab.lane"


def run(directory: Path, platforms: Sequence[str]) -> None:
    """Carry out what is left of a run on these platforms; returns when all have ended.

    Shows what each says. A lane that breaks leaves cells without rows, as doubtful ones are: to
    be asked again. After an interrupt all are told to end, and awaited: what they started ends
    with them.
    """
    with _started(directory, platforms) as lanes:
        for name, lane in lanes.items():
            if status := lane.wait():
                console.warn(f"{name}: its lane ended early, with exit status {status}")


@contextmanager
def _started(
    directory: Path, platforms: Sequence[str]
) -> Iterator[dict[str, subprocess.Popen[str]]]:
    lanes: dict[str, subprocess.Popen[str]] = {}
    with ExitStack() as open_, ExitStack() as ending:  # all are told to end, then awaited
        for name in platforms:
            lanes[name] = lane = open_.enter_context(_start(directory, name))
            ending.callback(lane.terminate)  # nothing happens to one that has ended
            voice = threading.Thread(target=_tell, args=(name, lane.stdout))
            voice.start()
            open_.callback(lane.wait)
            open_.callback(voice.join)
        yield lanes


def _start(directory: Path, platform: str) -> subprocess.Popen[str]:
    """Out of reach of the terminal's Ctrl-C, so that it is told to end once; see ``lane``."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-m", MODULE, str(directory), platform],
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def _tell(name: str, said: IO[str] | None) -> None:
    for line in said or ():
        console.note(f"{name}: {line.rstrip()}")
