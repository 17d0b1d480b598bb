from __future__ import annotations

import re
import subprocess
import sys

import pytest
from invoke.parser import Argument
from invoke.tasks import Task

import tasks
from orchlab import paths

ALL: dict[str, Task] = {name: tasks.namespace[name] for name in tasks.namespace.task_names}
ARGUMENTS: dict[str, list[Argument]] = {name: ALL[name].get_arguments() for name in ALL}


@pytest.mark.parametrize("name", ALL)
def test_every_task_has_an_example_that_parses(name: str) -> None:
    """The help of a task ends with a line that could be typed as it stands."""
    example = re.search(r"Example: invoke (\S+)(.*)$", ALL[name].__doc__ or "", re.MULTILINE)
    assert example, name
    assert example[1] == name
    known = {flag for argument in ARGUMENTS[name] for flag in flags(argument)}
    assert set(re.findall(r"--[a-z-]+", example[2])) <= known


@pytest.mark.parametrize("name", ALL)
def test_every_argument_is_explained(name: str) -> None:
    """No option is without a word of help."""
    for argument in ARGUMENTS[name]:
        assert argument.help, f"{name} {argument.name}"


def flags(argument: Argument) -> list[str]:
    """As typed: an argument that Python calls `keep_images` is `--keep-images`."""
    return [f"--{name.replace('_', '-')}" for name in argument.names]


def test_a_task_with_a_positional_argument_has_help_too() -> None:
    """Invoke takes the word for the argument's value; nothing is drained."""
    command = [sys.executable, "-m", "invoke", "swarm-drain", "--help"]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Example: invoke swarm-drain" in done.stdout
