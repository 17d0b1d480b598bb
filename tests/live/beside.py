"""A process that works beside the tests."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab import paths

GRACE_SECONDS = 60


@contextmanager
def running(module: str, *words: str, printed: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module; what has not ended after the block is interrupted.

    What it prints goes to ``printed``. It has a session of its own: a Ctrl-C at the tests'
    terminal reaches it once, by the block's end, and its priority counts for all it starts.
    """
    argv = [sys.executable, "-m", module, *words]
    with (
        printed.open("wb") as sink,
        subprocess.Popen(
            argv, cwd=paths.ROOT, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
