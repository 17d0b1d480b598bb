"""One bash for a whole lesson, so that its variables last from one command to the next.

It is no ``shell.run``: that starts a process per command, which would forget them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

from orchlab.errors import OrchlabError
from orchlab.paths import ROOT

ENDING_SECONDS = 10.0


class Terminal:
    """A bash in the checkout; ends with the block, together with what still runs in it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            cwd=ROOT,
            env=dict(environment),
            start_new_session=True,  # so that all of it can be told to end
        )

    def run(self, command: str, on_line: Callable[[str], None]) -> tuple[str, int]:
        """Type a command; what it printed, stdout and stderr together, and its exit status.

        ``on_line`` is called with each line as it appears. The command has no input. Raises
        ``OrchlabError`` when it ended the shell.
        """
        mark = uuid.uuid4().hex
        self._type(f"{{\n{command}\n}} </dev/null\nprintf '\\n%s %d\\n' {mark} $?\n")
        lines: list[str] = []
        for raw in self._process.stdout or ():
            line = raw.rstrip("\n")
            if line.startswith(mark):
                return "\n".join(lines).rstrip(), int(line.split()[1])
            if lines and not lines[-1]:  # an empty one waits: the last one may be the mark's own
                on_line("")
            if line:
                on_line(line)
            lines.append(line)
        raise OrchlabError(f"the shell ended with: {command}", "run the lesson again")

    def _type(self, text: str) -> None:
        if self._process.stdin is None:
            raise OrchlabError("the shell takes no input", "run the lesson again")
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process, suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
