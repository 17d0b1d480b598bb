from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from orchlab import paths
from orchlab.experiments.registry import EXPERIMENTS

LIVE = paths.ROOT / "tests" / "live"


def collected(profile: str) -> str:
    """What pytest says that it would run of two files."""
    files = [str(LIVE / name) for name in ("test_healing.py", "test_defaults.py")]
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", f"--profile={profile}", *files]
    theirs = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        argv, cwd=paths.ROOT, env=theirs, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_every_question_is_asked_by_a_test() -> None:
    asked = {
        name
        for path in LIVE.glob("test_*.py")
        for name in re.findall(r'mark\.question\("([\w-]+)"\)', path.read_text(encoding="utf-8"))
    }
    assert asked == set(EXPERIMENTS)


@pytest.mark.parametrize(
    ("profile", "crash", "partition", "defaults"),
    [("quick", 3, 0, 0), ("standard", 3, 2, 0), ("full", 18, 12, 18)],
)
def test_a_profile_says_what_is_asked_and_how_often(
    profile: str, crash: int, partition: int, defaults: int
) -> None:
    said = collected(profile)
    assert said.count("::test_a_crashed_process_comes_back[") == crash
    assert said.count("::test_a_partition_is_survived_and_mended[") == partition
    assert len(re.findall(r"test_defaults\.py::.*crash\]", said)) == defaults


def test_what_is_left_out_is_said() -> None:
    said = collected("quick")
    assert "not asked: control-loss, partition: --profile quick" in said
    assert "what the platforms do by default was not asked: --profile full does that" in said
