"""The one gateway to external commands."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO

from orchlab import console
from orchlab.errors import CommandFailed

NOT_FOUND = 127
TIMED_OUT = 124
ENDING_SECONDS = 10.0

_apart = ContextVar("_apart", default=False)
"""Whether commands are out of the reach of a terminal's Ctrl-C."""


def run(  # noqa: PLR0913 - keyword-only, each with a plain default
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    source: IO[bytes] | None = None,
    sink: IO[bytes] | None = None,
    timeout: float | None = None,
    echo: bool = True,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run a command and return what it printed on stdout.

    ``env`` is added to the process environment and shown in the echo, so it must
    hold no secret. ``timeout`` is in seconds. ``on_line`` is called with each
    line as it appears (stdout and stderr together, which are then returned).
    Bytes that are no text come from an open file ``source`` instead of ``stdin`` and go
    to an open file ``sink``; of stdout nothing is returned then.

    Raises ``CommandFailed`` for a non-zero exit, a time-out (exit status 124) or
    a program that does not exist (127), as a shell would number them.
    """
    words = [str(word) for word in argv]
    if echo:
        console.echo(words, env)
    merged = {**os.environ, **(env or {})}
    pipe = subprocess.PIPE
    merge = pipe if on_line is None else subprocess.STDOUT
    ends = {"stdin": source or pipe, "stdout": sink or pipe, "stderr": merge}
    try:
        with _child(words, merged, cwd, **ends) as process:
            if on_line is not None:
                output, errors = _follow(process, on_line), ""
            else:
                output, errors = process.communicate(stdin or "", timeout)
    except FileNotFoundError as error:
        raise CommandFailed(words, NOT_FOUND, str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(words, TIMED_OUT, f"no end within {timeout:g} s") from error
    if process.returncode:
        raise CommandFailed(words, process.returncode, (output or "") + (errors or ""))
    return output or ""


def attach(argv: Sequence[str], *, env: Mapping[str, str]) -> int:
    """Run a command that prints straight to the user, echoed; return its exit status.

    ``env`` as for ``run``. Raises ``CommandFailed`` for a program that does not exist.
    """
    words = list(argv)
    console.echo(words, env)
    try:
        nothing, own = subprocess.DEVNULL, None
        merged = {**os.environ, **env}
        with _child(words, merged, stdin=nothing, stdout=own, stderr=own) as process:
            return process.wait()
    except FileNotFoundError as error:
        raise CommandFailed(words, NOT_FOUND, str(error)) from error


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C and SIGTERM count only after the block: for what must be put back whatever happens.

    Its commands are in sessions of their own, since a terminal interrupts them as well. Only
    the main thread can call it, as Python has it with signals.
    """
    told: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda *said: told.append(said[0])) for each in numbers}
    apart = _apart.set(True)
    try:
        yield
    finally:
        _apart.reset(apart)
        for number, handler in before.items():
            signal.signal(number, handler)
    if told:
        signal.raise_signal(told[0])


@contextmanager
def _child(  # noqa: PLR0913 - what ``run`` was given
    argv: list[str],
    env: dict[str, str],
    cwd: Path | None = None,
    *,
    stdin: IO[bytes] | int | None,
    stdout: IO[bytes] | int | None,
    stderr: IO[bytes] | int | None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a command that does not outlive the block.

    After Ctrl-C or a time-out it is asked to end and given time to take along
    what it started itself: `docker compose` goes on creating things when only
    its first process is killed.
    """
    with subprocess.Popen(
        argv,
        env=env,
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8",
        errors="replace",
        start_new_session=_apart.get(),
    ) as process:
        try:
            yield process
        except BaseException:
            process.terminate()
            try:
                process.wait(ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def _follow(process: subprocess.Popen[str], on_line: Callable[[str], None]) -> str:
    lines: list[str] = []
    if process.stdin:
        process.stdin.close()
    for line in process.stdout or ():
        lines.append(line)
        on_line(line.rstrip("\n"))
    process.wait()
    return "".join(lines)
