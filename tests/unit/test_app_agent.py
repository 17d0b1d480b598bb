"""The agent as a process would run it, against a test double of the endpoint on 127.0.0.1."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import agent
from app.agent import Exit
from app.settings import MASK
from orchlab.paths import ROOT
from tests.model_server import FIRST_TRIES, ModelServer

KEY = "sk-test-5d0f6b1c"
QUESTION = "what is a quorum"
Ask = Callable[..., int]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    """The double, on a free port."""
    with ModelServer(("127.0.0.1", 0), KEY) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def ask(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run the agent with these settings over those that work; returns its exit status."""
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def run(**settings: str) -> int:
        url = f"http://127.0.0.1:{server.server_port}/v1"
        given = {"QUESTION": QUESTION, "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url}
        given |= {"OPENAI_MODEL": "echo", "OPENAI_RETRIES": "0"}
        for name, value in (given | settings).items():
            monkeypatch.setenv(name, value)
        return agent.main()

    return run


def test_the_answer_is_printed(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """All of it, with nothing else beside it."""
    assert ask() == Exit.ANSWERED
    said = capsys.readouterr()
    assert said.out == f"{QUESTION} \n"
    assert said.err == ""


def test_the_answer_is_printed_while_it_comes(
    ask: Ask, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint goes on only once the first word was seen."""
    seen: list[str] = []

    class Terminal(io.StringIO):
        def flush(self) -> None:
            seen.append(self.getvalue())
            server.heard.set()

    monkeypatch.setattr(sys, "stdout", Terminal())
    assert ask(OPENAI_MODEL="patient") == Exit.ANSWERED
    assert seen == ["what ", "what is ", "what is a ", "what is a quorum ", "what is a quorum \n"]


def test_a_key_comes_from_a_file(ask: Ask, tmp_path: Path) -> None:
    """It counts more than the environment, and the line's end is no part of it."""
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert ask(OPENAI_API_KEY="wrong", OPENAI_API_KEY_FILE=str(tmp_path / "key")) == Exit.ANSWERED


def test_without_a_key_nobody_is_asked(
    ask: Ask, server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """None at all, a file that is missing, an empty one."""
    before = server.tries["echo"]
    (tmp_path / "empty").touch()
    for file in ("", str(tmp_path / "missing"), str(tmp_path / "empty")):
        assert ask(OPENAI_API_KEY="", OPENAI_API_KEY_FILE=file) == Exit.NO_KEY
        assert "OPENAI_API_KEY_FILE" in capsys.readouterr().err
    assert server.tries["echo"] == before


def test_a_wrong_setting_is_named(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anybody is asked, in one line."""
    assert ask(QUESTION="", OPENAI_TIMEOUT="soon") == Exit.WRONG_SETTING
    said = capsys.readouterr().err
    assert "QUESTION" in said
    assert "OPENAI_TIMEOUT" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"OPENAI_API_KEY": "wrong"}, "Incorrect API key"),
        ({"OPENAI_MODEL": "unknown"}, "does not exist"),
        ({"OPENAI_MODEL": "broken"}, "The server had an error"),
        ({"OPENAI_MODEL": "fault"}, "overloaded amid the answer"),
    ],
)
def test_a_refusal_says_why(
    ask: Ask, settings: dict[str, str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the endpoint's words, also when it comes amid an answer."""
    assert ask(**settings) == Exit.REFUSED
    assert reason in capsys.readouterr().err


def test_a_reason_never_holds_the_key(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even when the endpoint says it."""
    assert ask(OPENAI_MODEL="leaky") == Exit.REFUSED
    said = capsys.readouterr()
    assert f"key {MASK} has no access" in said.err
    assert KEY not in said.out + said.err


def test_what_may_come_right_is_asked_again(ask: Ask, server: ModelServer) -> None:
    """As often as was set, and no more often; a refusal that is final only once."""
    assert ask(OPENAI_MODEL="busy", OPENAI_RETRIES=str(FIRST_TRIES)) == Exit.ANSWERED
    before = server.tries["broken"]
    assert ask(OPENAI_MODEL="broken", OPENAI_RETRIES="1") == Exit.REFUSED
    assert server.tries["broken"] == before + 2
    before = server.tries["leaky"]
    assert ask(OPENAI_MODEL="leaky", OPENAI_RETRIES="2") == Exit.REFUSED
    assert server.tries["leaky"] == before + 1


def test_silence_is_a_time_out(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """Amid an answer too; what has come of it is printed."""
    assert ask(OPENAI_MODEL="silent", OPENAI_TIMEOUT="0.3") == Exit.TIME_OUT
    said = capsys.readouterr()
    assert said.out == "what \n"
    assert said.err.startswith("time-out: 0.3 s")


def test_an_answer_that_is_cut_off_is_no_answer(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing tells it from a whole one but the reason for its end, which is missing."""
    assert ask(OPENAI_MODEL="cut") == Exit.UNREACHABLE
    assert "cut off" in capsys.readouterr().err


def test_where_nobody_listens_is_unreachable(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """With the system's own word for it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert ask(OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1") == Exit.UNREACHABLE
    assert "refused" in capsys.readouterr().err


def test_another_kind_of_server_is_no_traceback(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    """A login page answers with 200."""
    assert ask(OPENAI_MODEL="page") == Exit.REFUSED
    assert capsys.readouterr().err == "127.0.0.1 does not speak the protocol\n"


def test_it_ends_when_it_is_told_to(server: ModelServer) -> None:
    """As a process, with the status that a shell would give it."""
    given = {"QUESTION": QUESTION, "OPENAI_API_KEY": KEY, "OPENAI_MODEL": "silent"}
    given["OPENAI_BASE_URL"] = f"http://127.0.0.1:{server.server_port}/v1"
    with subprocess.Popen(
        [sys.executable, "-m", "app.agent"],
        cwd=ROOT,
        env=os.environ | given,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.read(len("what")) == b"what"
        process.terminate()
        assert process.wait(10) == 128 + 15


def test_the_web_app_does_not_load_the_client() -> None:
    """Its start would take longer for what it never uses."""
    code = "import sys, app.__main__; print('openai' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
