"""One place where any failure becomes one line, a next step and an exit code."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, ParamSpec

import docker.errors
import requests
import urllib3.exceptions
from invoke.exceptions import Exit
from rich.markup import escape

from orchlab import console
from orchlab.errors import HostUnfit, OrchlabError

if TYPE_CHECKING:
    from kubernetes.client.exceptions import ApiException

P = ParamSpec("P")
INTERRUPTED = 130
KUBERNETES_ERRORS = "kubernetes.client.exceptions"
DENIED = (401, 403)


def guarded(task: Callable[P, None]) -> Callable[P, None]:
    """Wrap a task: failures are printed for a person and set the exit code."""

    @functools.wraps(task)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            task(*args, **kwargs)
        except KeyboardInterrupt:
            console.warn("interrupted; run the same command again, or `invoke clean` to remove all")
            raise Exit(code=INTERRUPTED) from None
        except OrchlabError as error:
            raise _leave(error) from error
        except Exception as error:
            known = translate(error)
            if known is None:
                raise
            raise _leave(known) from error

    return run


def translate(error: Exception) -> OrchlabError | None:
    """The lab's error for a library's; None for one that only a bug explains."""
    if isinstance(error, docker.errors.APIError):
        return OrchlabError(
            f"the Docker engine refused: {error.explanation or error}",
            "`invoke doctor` shows the engine's state; then run the command again",
        )
    # Only a task that talks to Kubernetes waits for that import, longer than for all others.
    kubernetes = sys.modules.get(KUBERNETES_ERRORS)
    if kubernetes and isinstance(error, kubernetes.ApiException):
        return _refused(error)
    gone = (
        docker.errors.DockerException,
        requests.ConnectionError,
        requests.Timeout,
        urllib3.exceptions.HTTPError,
    )
    if isinstance(error, gone):
        return HostUnfit(
            f"an engine or cluster stopped answering: {error}",
            "run the command again: it starts what is missing; `invoke doctor` shows the state",
        )
    return None


def _refused(error: ApiException) -> OrchlabError:
    from orchlab.platforms.k8s import rights

    hint = "`invoke k8s-down`, then run the command again"
    if error.status in DENIED:
        hint = "log in to the cluster; k8s/guest/role.yaml has the rights that are needed in it"
    said = rights.message(error)
    return OrchlabError(f"the Kubernetes API refused: {error.status} {said}", hint)


def _leave(error: OrchlabError) -> Exit:
    console.err.print(f"[red]error:[/red] {escape(error.message)}", soft_wrap=True)
    if error.hint:
        console.err.print(f"[cyan]next:[/cyan] {escape(error.hint)}", soft_wrap=True)
    return Exit(code=error.exit_code)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
