"""Platforms measured at the same time, as the quick profile does it, with one question only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchlab import lanes, paths, results, session
from tests.live.commands import ENVIRONMENT, leftovers

SHORT = """
from orchlab import labels
labels.enter("compare")
from orchlab import profiles, runner
runner.PROFILES["quick"] = profiles.Profile(("recreate",), (), 1, beside=True)
runner.compare("quick", "compose,swarm", "", "auto", keep=False)
"""
ENDING_S = 30.0


@contextmanager
def short_run() -> Iterator[subprocess.Popen[str]]:
    """A run of both platforms, in a process of its own."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", SHORT],
        cwd=paths.ROOT,
        env=ENVIRONMENT,
        stdout=pipe,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process


def lanes_of(run: Path) -> list[int]:
    """The process ids of a run's lanes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # one that has just ended
            words = path.read_bytes().split(b"\0")
            if lanes.MODULE.encode() in words and str(run).encode() in words:
                found.append(int(path.parent.name))
    return found


@pytest.mark.usefixtures("lab")
def test_two_platforms_are_measured_at_the_same_time() -> None:
    """Each answers, what is in force says beside whom, and nothing is left."""
    with short_run() as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    run = results.load(results.latest(paths.RESULTS))
    assert {each.verdict for each in run.findings} == {"pass"}
    beside = {name: facts.knobs[session.BESIDE] for (name, _), facts in run.facts.items()}
    assert beside == {
        "compose": f"swarm{session.AGAIN}",
        "swarm": f"compose{session.AGAIN}",
    }
    assert leftovers() == []


@pytest.mark.usefixtures("lab")
def test_lanes_end_with_a_run_that_is_killed() -> None:
    """Nobody goes on to change platforms for a run that is no more."""
    with short_run() as process:
        assert process.stdout
        while "recreate" not in (line := process.stdout.readline()):
            assert line, "the run ended early"
        run = results.latest(paths.RESULTS)
        assert lanes_of(run)
        os.kill(process.pid, signal.SIGKILL)
        process.stdout.read()
    deadline = time.monotonic() + ENDING_S
    while lanes_of(run) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert lanes_of(run) == []
