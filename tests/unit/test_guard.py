from __future__ import annotations

import subprocess
import sys

import docker.errors
import pytest
import requests
from invoke.exceptions import Exit
from kubernetes.client.exceptions import ApiException

from orchlab.errors import HostUnfit, UnknownName
from orchlab.guard import guarded, translate


def _fail(error: BaseException) -> int:
    @guarded
    def task() -> None:
        raise error

    with pytest.raises(Exit) as caught:
        task()
    return caught.value.code


def test_an_error_is_one_line_and_a_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    """A known failure prints what is wrong and what to do, and sets its exit code."""
    assert _fail(UnknownName("platform", "nomad", ["compose"])) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: unknown platform 'nomad'",
        "next: valid names: compose",
    ]


def test_interruption_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends with the exit code that shells use, and says how to go on."""
    assert _fail(KeyboardInterrupt()) == 130
    assert "invoke clean" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        docker.errors.DockerException("Error while fetching server API version"),
        requests.ConnectionError("Connection aborted."),
    ],
)
def test_a_dead_engine_is_the_hosts_failure(error: Exception) -> None:
    """An engine that dies half-way is exit code 3, not a traceback."""
    assert isinstance(translate(error), HostUnfit)
    assert _fail(error) == 3


def test_a_refusal_by_kubernetes_is_one_line() -> None:
    """An error of its client is known, although nothing imports the client before it is used."""
    alone = "import sys, orchlab.guard; sys.exit('kubernetes.client' in sys.modules)"
    subprocess.run([sys.executable, "-c", alone], check=True)
    said = translate(ApiException(status=403, reason="Forbidden"))
    assert said
    assert "403 Forbidden" in said.message
    assert "role.yaml" in said.hint


def test_kubernetes_own_words_are_passed_on() -> None:
    """Its answer says which right was missing."""
    error = ApiException(status=409, reason="Conflict")
    error.body = '{"kind": "Status", "message": "the object has been modified"}'
    said = translate(error)
    assert said
    assert said.message.endswith("409 the object has been modified")
    assert "k8s-down" in said.hint


def test_a_bug_stays_a_traceback() -> None:
    """What only a programming error explains is not dressed up."""

    @guarded
    def task() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        task()
