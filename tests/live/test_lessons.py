"""Every lesson as a learner walks it, two at a time: most of a lesson is waiting for a platform."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue

import pytest

from orchlab import engine, labels, paths, sweep
from orchlab.lessons import page
from orchlab.wait import wait_until
from tests.live.commands import ENVIRONMENT, leftovers

PLACES = (labels.LAB, f"{labels.LAB}-second")
"""A lesson works in a lab below one of these, alone."""

START_SECONDS = 60.0
LONGEST_SECONDS = 420.0


@dataclass(frozen=True)
class Walked:
    """``left``: what the engine still holds of it."""

    status: int
    output: str
    left: list[str]


def labs(place: str) -> list[str]:
    """Those of one lesson at a time: its own, and the one in which it compares."""
    return [f"{place}-lesson", f"{place}-lesson-compare"]


def left(place: str) -> list[str]:
    """What is in the engine of a lesson."""
    return [found for lab in labs(place) for found in leftovers(lab)]


def start(number: str, place: str) -> subprocess.Popen[str]:
    """The task as a user starts it, with its output to be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "invoke", "lesson", number],
        cwd=paths.ROOT,
        env=ENVIRONMENT | {"ORCHLAB_LAB": place},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def emptied(place: str) -> Iterator[None]:
    """Nothing is left of another lesson, before and after."""
    sweep_all(place)
    try:
        yield
    finally:
        sweep_all(place)


def sweep_all(place: str) -> None:
    """Remove what a lesson has left."""
    for lab in labs(place):
        sweep.sweep(lab)


def walk(number: str, places: SimpleQueue[str]) -> Walked:
    """A whole lesson, in whatever place is free."""
    place = places.get()
    with emptied(place):
        with start(number, place) as process:
            try:
                output, _ = process.communicate(timeout=LONGEST_SECONDS)
            except subprocess.TimeoutExpired:  # a page may wait for what never comes
                process.send_signal(signal.SIGINT)
                output, _ = process.communicate()
        walked = Walked(process.returncode, output, left(place))
    places.put(place)
    return walked


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    """One that answers, for all lessons."""
    engine.ensure()


@pytest.fixture(scope="module")
def walked(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Walked]]:
    """What became of a lesson; all that are wanted are on their way from the first on."""
    places: SimpleQueue[str] = SimpleQueue()
    for place in PLACES:
        places.put(place)
    calls = [
        getattr(item, "callspec", None)
        for item in request.session.items
        if item.path == request.path
    ]
    numbers = [call.params["number"] for call in calls if call]
    with ThreadPoolExecutor(len(PLACES)) as pool:
        ahead = {number: pool.submit(walk, number, places) for number in numbers}
        yield lambda number: ahead[number].result()
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("number", page.lessons())
def test_a_lesson_shows_what_its_page_says(number: str, walked: Callable[[str], Walked]) -> None:
    """Each command works and prints what stands below it; nothing is left running."""
    found = walked(number)
    assert found.status == 0, found.output
    assert "finished: " in found.output
    assert found.left == []


def test_a_lesson_that_is_interrupted_leaves_nothing() -> None:
    """Ctrl-C in the middle removes what the commands so far have made."""
    with emptied(PLACES[0]), start("3", PLACES[0]) as process:
        wait_until("it made something", lambda: left(PLACES[0]), timeout=START_SECONDS)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
        assert process.returncode == 130, output
        assert left(PLACES[0]) == []
