from __future__ import annotations

import re

import pytest

from orchlab import console


def test_a_step_says_what_and_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe a step is a line at its start and one at its end."""
    with console.step("build [it]") as detail:
        detail("half")
    begun, ended = capsys.readouterr().err.splitlines()
    assert begun == "... build [it]"
    assert re.fullmatch(r"ok build \[it\] \(\d+\.\d s\)", ended)


def test_a_long_step_shows_its_detail_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe is not silent for minutes: it gets the latest line every so often."""
    monkeypatch.setattr(console, "PIPE_SECONDS", 0.0)
    with console.step("compile") as detail:
        detail("k8s.io/api")
    assert "... compile (0 s) k8s.io/api" in capsys.readouterr().err


def test_a_failed_step_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """A step that raises is marked as failed, and the error passes through."""
    with pytest.raises(KeyError), console.step("compile"):
        raise KeyError("x")
    assert "failed compile" in capsys.readouterr().err


def test_tables_are_plain_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """A table in a pipe has no colour and no box-drawing characters."""
    console.table("title", ("name", "state"), [("engine", "[green]ok[/green]")])
    output = capsys.readouterr().out
    assert output.isascii()
    assert "engine | ok" in output
