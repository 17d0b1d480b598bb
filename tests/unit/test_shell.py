from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from orchlab import shell
from orchlab.errors import CommandFailed


def test_returns_stdout() -> None:
    """The answer is what the command printed on stdout, not on stderr."""
    code = "import sys; print('out'); print('err', file=sys.stderr)"
    assert shell.run([sys.executable, "-c", code]) == "out\n"


def test_failure_shows_command_status_and_tail() -> None:
    """A failure names the paste-able command, its exit status and its last lines."""
    code = "for i in range(20): print('line', i)\nraise SystemExit(7)"
    with pytest.raises(CommandFailed) as caught:
        shell.run([sys.executable, "-c", code])
    assert caught.value.exit_status == 7
    assert "exit status 7" in caught.value.message
    assert "line 19" in caught.value.message
    assert "line 9\n" not in caught.value.message


def test_unknown_program_is_127() -> None:
    """A program that does not exist fails as a shell would number it."""
    with pytest.raises(CommandFailed) as caught:
        shell.run(["no-such-program-here"])
    assert caught.value.exit_status == shell.NOT_FOUND


def test_too_slow_is_124() -> None:
    """A command that outlives its time-out is ended and says so."""
    with pytest.raises(CommandFailed) as caught:
        shell.run([sys.executable, "-c", "import time; time.sleep(30)"], timeout=0.2)
    assert caught.value.exit_status == shell.TIMED_OUT


def test_lines_are_passed_on_as_they_come() -> None:
    """A follower sees each line of stdout and stderr."""
    seen: list[str] = []
    code = "import sys; print('a', flush=True); print('b', file=sys.stderr)"
    shell.run([sys.executable, "-c", code], on_line=seen.append)
    assert sorted(seen) == ["a", "b"]


def test_echo_is_pasteable(capsys: pytest.CaptureFixture[str]) -> None:
    """The echoed line holds the added environment and quotes what a shell would split."""
    shell.run([sys.executable, "-c", "print(1)"], env={"GREETING": "good day"})
    assert f"$ GREETING='good day' {sys.executable} -c 'print(1)'" in capsys.readouterr().err


def test_an_attached_command_prints_by_itself(capfd: pytest.CaptureFixture[str]) -> None:
    """Both its streams are the user's as they are, and its status is no error here."""
    code = "import sys; print('a', end=''); print('b', file=sys.stderr); sys.exit(3)"
    assert shell.attach([sys.executable, "-c", code], env={"GREETING": "good day"}) == 3
    said = capfd.readouterr()
    assert said.out == "a"
    assert said.err.endswith("b\n")
    with pytest.raises(CommandFailed):
        shell.attach(["no-such-program-here"], env={})


def test_stdin_is_fed() -> None:
    """Text given as stdin reaches the command."""
    code = "print(input().upper())"
    assert shell.run([sys.executable, "-c", code], stdin="hello\n") == "HELLO\n"


def test_an_interrupted_command_is_given_time_to_end(tmp_path: Path) -> None:
    """A command that takes along what it started is not killed in the middle of that."""
    done = tmp_path / "done"
    code = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n"
        f"    time.sleep(0.3); pathlib.Path({str(done)!r}).touch(); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(30)\n"
    )

    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shell.run([sys.executable, "-c", code], on_line=interrupt)
    assert done.exists()


def test_what_must_be_put_back_is_not_interrupted() -> None:
    """Ctrl-C counts after the block, whose commands a terminal does not reach; then as ever."""
    sessions: list[int] = []

    def ask() -> None:
        signal.raise_signal(signal.SIGINT)
        code = "import os; print(os.getsid(0))"
        sessions.append(int(shell.run([sys.executable, "-c", code])))

    with pytest.raises(KeyboardInterrupt), shell.undisturbed():
        ask()
    assert sessions
    assert sessions != [os.getsid(0)]
    with pytest.raises(KeyboardInterrupt):
        ask()


def test_bytes_come_from_a_file_and_go_to_one(tmp_path: Path) -> None:
    """Those that are no text stay what they are."""
    data = bytes(range(256)) * 1000
    (tmp_path / "in").write_bytes(data)
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as sink:
        assert shell.run([sys.executable, "-c", code], source=source, sink=sink) == ""
    assert (tmp_path / "out").read_bytes() == data


def test_a_failure_behind_a_file_still_says_why(tmp_path: Path) -> None:
    """What the command wrote on stderr."""
    with (tmp_path / "out").open("wb") as sink, pytest.raises(CommandFailed) as caught:
        shell.run([sys.executable, "-c", "raise SystemExit('no room')"], sink=sink)
    assert caught.value.output == "no room\n"
