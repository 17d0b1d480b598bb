"""A Python process of the runner: started, heard once, stopped by its pid."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from typing import IO, cast

from orchlab.errors import OrchlabError
from orchlab.paths import ROOT

START_S = 15.0
STOP_S = 5.0
TAIL_LINES = 3
"""Of its stderr: a traceback ends with the error itself."""


class Child:
    """``python -m module``; its stdin stays open, and the child ends when it closes.

    In a session of its own: Ctrl-C reaches the runner alone, which then stops it.
    """

    def __init__(self, module: str, first_line: str = "") -> None:
        self.module = module
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            encoding="utf-8",
            cwd=ROOT,
            start_new_session=True,
        )
        if first_line:
            self._tell(first_line)

    @property
    def pid(self) -> int:
        """The operating system's number of the process."""
        return self._process.pid

    def hear(self) -> str:
        """The first line that it says. Raises ``OrchlabError`` when it ends or is too late."""
        out = cast("IO[str]", self._process.stdout)
        guard = threading.Timer(START_S, self._process.kill)
        guard.start()
        try:
            said = out.readline().strip()
        finally:
            guard.cancel()
        if not said:
            self._process.wait(STOP_S)
            raise self._died("did not start")
        return said

    def stop(self, *, expect_alive: bool = True) -> None:
        """Stop it with SIGTERM, after 5 s with SIGKILL.

        Raises ``OrchlabError`` when it had already ended although it was
        expected to be alive, or did not end cleanly.
        """
        early = self._process.poll() is not None
        if not early:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        error = self._died("ended early" if early else "did not end cleanly")
        self._close()
        if expect_alive and (early or self._process.returncode):
            raise error

    def _tell(self, line: str) -> None:
        stdin = cast("IO[str]", self._process.stdin)
        try:
            stdin.write(line + "\n")
            stdin.flush()
        except BrokenPipeError as error:
            raise self._died("did not start") from error

    def _died(self, what: str) -> OrchlabError:
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        said = "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
        status = f"{self.module} {what} (exit status {self._process.returncode})"
        message = f"{status}\n{said}" if said else status
        return OrchlabError(message, "repeat the run; samples taken so far are on disk")

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._stderr):
            if pipe is not None:
                pipe.close()
