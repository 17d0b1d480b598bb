"""The lessons, and what a shell needs for them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from orchlab import labels
from orchlab.tasks.common import command

if TYPE_CHECKING:
    from invoke.context import Context


@command(number="which one; without it all are listed, with those that you finished")
def lesson(_: Context, number: str | None = None) -> None:
    """Walk through a lesson: each command is shown, run and explained; Enter goes on.

    Works in a lab of its own (orchlab-lesson). In a pipe or a CI there is no pause. Exit code
    1 when something is not as the page in docs/lessons shows it; what the lesson made is
    removed then, as after Ctrl-C.

    Example: invoke lesson 1
    """
    labels.enter("lesson")
    from orchlab.lessons import walk

    if number is None:
        walk.overview()
    else:
        walk.walk(number)


if sys.argv[-1] != "lesson":  # invoke has no positional argument that may be left out
    lesson.positional = ["number"]


@command()
def shell_env(_: Context) -> None:
    """Print exports, so that plain docker, docker compose and kubectl reach the lab.

    DOCKER_HOST and KUBECONFIG, $LAB (its name), $MANAGER (a Swarm's, for docker -H), and the
    images that stand in for the public ones: $APP_IMAGE, $PYTHON_IMAGE and others.

    Example: invoke shell-env
    """
    from orchlab import console
    from orchlab.lessons import environment

    for line in environment.exports():
        console.line(line)
