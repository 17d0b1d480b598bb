"""Lanes: processes side by side, whose words are told, and that end with who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchlab import lanes

DOUBLE = "tests.unit.lane_double"
RUN = Path("results/now")
HANGING = """
import time
from orchlab import lane, runner
def measure(path, platform):
    print(f"{platform} of {path}", flush=True)
    time.sleep(60)
runner.lane = measure
raise SystemExit(lane.main())
"""


@pytest.fixture(autouse=True)
def _double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MODULE", DOUBLE)


def test_each_line_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """What lanes print comes in any order, so the name goes before it."""
    lanes.run(RUN, ["swarm", "k8s"])
    said = sorted(capsys.readouterr().err.splitlines())
    assert said == [f"k8s: measures {RUN}", f"swarm: measures {RUN}"]


def test_a_lane_that_breaks_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    """Its cells stay without an answer, which the run then says."""
    lanes.run(RUN, ["breaks", "k8s"])
    said = capsys.readouterr().err
    assert "breaks: its lane ended early, with exit status 3" in said
    assert f"k8s: measures {RUN}" in said


def test_after_an_interrupt_every_lane_is_told_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    """And has ended when the interrupt goes on."""
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        lanes.run(RUN, ["waits"])
    assert "waits: told to end" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["told", "alone"])
def test_a_lane_ends_when_it_is_told_to_or_left_alone(how: str) -> None:
    """With the status of an interrupt; alone is also who was killed without a word."""
    command = [sys.executable, "-c", HANGING, str(RUN), "k8s"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as lane:
        assert lane.stdin
        assert lane.stdout
        assert lane.stdout.readline() == f"k8s of {RUN}\n"
        if how == "told":
            lane.terminate()
        else:
            lane.stdin.close()
        assert lane.wait(20) == 130
