"""Every lesson as a learner walks it, in a lab of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from orchlab import engine, labels, paths, sweep
from orchlab.lessons import page
from orchlab.wait import wait_until
from tests.live.commands import ENVIRONMENT, leftovers

LAB = {"ORCHLAB_LAB": labels.LAB}
OURS = [f"{labels.LAB}-lesson", f"{labels.LAB}-lesson-compare"]
START_SECONDS = 60.0
LONGEST_SECONDS = 420.0


@pytest.fixture(autouse=True)
def _nothing_there() -> Iterator[None]:
    """Nothing is left of another lesson, before and after."""
    engine.ensure()
    for lab in OURS:
        sweep.sweep(lab)
    yield
    for lab in OURS:
        sweep.sweep(lab)


def walk(number: str) -> subprocess.Popen[str]:
    """The task as a user starts it, with its output to be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "invoke", "lesson", number],
        cwd=paths.ROOT,
        env=ENVIRONMENT | LAB,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("number", page.lessons())
def test_a_lesson_shows_what_its_page_says(number: str) -> None:
    """Each command works and prints what stands below it; nothing is left running."""
    with walk(number) as process:
        try:
            output, _ = process.communicate(timeout=LONGEST_SECONDS)
        except subprocess.TimeoutExpired:  # a page may wait for what never comes
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "finished: " in output
    assert [found for lab in OURS for found in leftovers(lab)] == []


def test_a_lesson_that_is_interrupted_leaves_nothing() -> None:
    """Ctrl-C in the middle removes what the commands so far have made."""
    with walk("3") as process:
        wait_until("it made something", lambda: leftovers(OURS[0]), timeout=START_SECONDS)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    assert process.returncode == 130, output
    assert leftovers(OURS[0]) == []
