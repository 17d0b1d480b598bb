"""The plugin's examples, as a suite of somebody's own would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.examples.test_platforms import test_a_crashed_replica_is_replaced
from orchlab import engine, labels, paths, sweep
from tests.live.commands import leftovers

__all__ = ["test_a_crashed_replica_is_replaced"]  # on the session's own platforms

LAB = f"{labels.LAB}-plugin"
FAILING = """
from test_compose import stack

def test_that_fails(stack):
    assert stack is None
"""


def suite(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in somebody's directory, in a lab of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", "-p", "orchlab.pytest_plugin", *words],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(paths.ROOT), "ORCHLAB_LAB": LAB, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def examples(tmp_path: Path) -> Iterator[Path]:
    """The examples in a directory of somebody's, whose lab is empty before and after."""
    engine.ensure()
    sweep.sweep(f"{LAB}-test")
    yield Path(shutil.copytree(paths.ROOT / "docs" / "examples", tmp_path / "examples"))
    sweep.sweep(f"{LAB}-test")


def test_stack_files_of_somebodys_own_are_tested_and_removed(examples: Path) -> None:
    """The examples for Compose and Swarm pass, and leave nothing."""
    done = suite(examples, "test_compose.py", "test_swarm.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
    assert leftovers(f"{LAB}-test") == []


def test_what_failed_is_shown_with_logs_and_what_was_kept_can_be_removed(examples: Path) -> None:
    """The stack's own words stand beside the failure; the next session takes over what was left."""
    (examples / "test_failing.py").write_text(FAILING)
    done = suite(examples, "test_failing.py", "--keep")
    assert done.returncode == 1, done.stdout + done.stderr
    kept = f"lab {LAB}-test is left up"
    for words in ("orchlab: stack", "--- events.txt", "container start", kept):
        assert words in done.stdout
    assert leftovers(f"{LAB}-test") != []
    assert suite(examples, "test_failing.py").returncode == 1
    assert leftovers(f"{LAB}-test") == []
