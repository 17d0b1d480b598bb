"""What the tasks share: the decorator, and the words of help."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from invoke.exceptions import Exit
from invoke.tasks import task

from orchlab.guard import guarded

IMAGES = {
    "images": "auto: pull where a registry answers, else build; pull; build (from packages)",
}
REPLICAS = {"replicas": "how many copies of the app"}
VARIANT = {"variant": "defaults: what a beginner writes; hardened: what the lab recommends"}
UPDATE = {
    "image": "an image that the engine has",
    "app-version": "build the app as this version and use that",
}
ELSEWHERE = {
    "context": "a docker context of a manager: work on that Swarm instead of the lab's own",
    "host": "the same by address, such as ssh://me@server",
}
CLUSTER = {
    "context": "a context of your kubeconfig: work on that cluster instead of the lab's own",
    "namespace": "the app's in that cluster; the context's own if not given",
}
REGISTRY = {
    "registry": "HOST:PORT from which nodes there pull; HERE=THERE if it has another name there",
}
AUTOSCALE = {
    "min": "least number of replicas",
    "max": "most",
    "target-cpu": "average CPU of a replica to aim at, in percent of its limit (of a core if none)",
    "up-window": "seconds for which more must have been recommended before there are more",
    "down-window": "seconds for which fewer must have been recommended before there are fewer",
}
LOGS = {"follow": "go on until Ctrl-C", "tail": "how many lines of the past"}


def command(*may_be_bare: str, **explained: str) -> Callable[[Callable[..., None]], Any]:
    """Turn a function into a task whose failures are one line and an exit code.

    ``explained``: argument (underscores for dashes) -> its line of help. ``may_be_bare``:
    options that can also be given without a value; that is True.
    """
    words = {name.replace("_", "-"): text for name, text in explained.items()}

    def wrap(function: Callable[..., None]) -> Any:  # noqa: ANN401 - invoke's own type is untyped
        return task(guarded(_helpful(function)), help=words, optional=may_be_bare)

    return wrap


def _helpful(function: Callable[..., None]) -> Callable[..., None]:
    """Also ``invoke TASK --help`` of a task with a positional argument, which invoke puts there."""
    name = function.__name__.replace("_", "-")

    @functools.wraps(function)
    def run(*args: object, **kwargs: object) -> None:
        if any(each in ("-h", "--help") for each in (*args[1:], *kwargs.values())):
            shown = subprocess.run([sys.executable, "-m", "invoke", "--help", name], check=False)
            raise Exit(code=shown.returncode)
        function(*args, **kwargs)

    return run
