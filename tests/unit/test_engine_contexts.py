"""How a docker context becomes the engine of this process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from orchlab import engine, shell
from orchlab.engine import contexts, named
from orchlab.errors import CommandFailed, HostUnfit, UnknownName

TLS = {"docker": ["ca.pem", "cert.pem", "key.pem"]}


def context(host: str, tls: object = None, *, skip: bool = False) -> dict[str, Any]:
    """What ``docker context inspect`` says about one."""
    return {
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": skip}},
        "TLSMaterial": tls or {},
        "Storage": {"TLSPath": "/tls/far"},
    }


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that a test changes are put back."""
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT", *contexts.TLS_VARIABLES):
        monkeypatch.setenv(variable, "before")


def answer_with(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], *, up: bool) -> None:
    """A command that knows one context, and an engine that answers or does not."""
    monkeypatch.setattr(shell, "run", lambda *_, **__: json.dumps(found))
    monkeypatch.setattr(named, "answers", lambda _: up)


def test_a_context_becomes_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK and the command reach its engine; what named another one is gone."""
    answer_with(monkeypatch, context("unix:///far.sock"), up=True)
    assert contexts.enter("far") == "unix:///far.sock"
    assert os.environ["DOCKER_HOST"] == "unix:///far.sock"
    assert not {"DOCKER_CONTEXT", *contexts.TLS_VARIABLES} & os.environ.keys()


def test_a_context_brings_its_certificates() -> None:
    """An engine behind TLS is asked with the certificates that belong to the context."""
    found = contexts.variables(context("tcp://far:2376", TLS))
    assert found["DOCKER_TLS_VERIFY"] == "1"
    assert found["DOCKER_CERT_PATH"] == "/tls/far/docker"
    assert "DOCKER_CERT_PATH" not in contexts.variables(context("tcp://far:2376", TLS, skip=True))


def test_an_engine_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where it was looked for."""
    answer_with(monkeypatch, context("unix:///far.sock"), up=False)
    with pytest.raises(HostUnfit, match=r"unix:///far\.sock"):
        engine.use("far")


def test_an_unknown_context_is_answered_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wrong name is a wrong request, not a failed command."""

    def run(argv: list[str], **_: object) -> str:
        if "inspect" in argv:
            raise CommandFailed(argv, 1, "context not found")
        return "default\nfar\n"

    monkeypatch.setattr(shell, "run", run)
    with pytest.raises(UnknownName) as caught:
        engine.use("fra")
    assert caught.value.hint == "valid names: default, far"


@pytest.mark.parametrize(
    ("address", "remote", "destination"),
    [
        ("ssh://me@far:2222", "/var/run/docker.sock", "ssh://me@far:2222"),
        ("ssh://far", "/var/run/docker.sock", "ssh://far"),
        ("ssh://far/run/user/1000/docker.sock", "/run/user/1000/docker.sock", "ssh://far"),
    ],
)
def test_a_tunnel_ends_at_the_engine_that_the_address_names(
    address: str, remote: str, destination: str
) -> None:
    """User, port and socket are those of the context; the local end is ours."""
    command = contexts.tunnel_command(address, Path("/here.sock"))
    assert f"/here.sock:{remote}" in command
    assert command[-1] == destination


def test_a_tunnel_that_cannot_be_opened_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody waits for an engine to which there is no way."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(contexts, "tunnel_command", lambda *_: ["false"])
    answer_with(monkeypatch, context("ssh://far"), up=True)
    with pytest.raises(HostUnfit, match="ssh://far"):
        engine.use("far")
