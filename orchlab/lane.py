"""``python -m orchlab.lane RUN PLATFORM``: one lane of ``lanes``.

Its platform is up, and stays so. It ends on SIGTERM, or when its stdin does: with who started it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from invoke.exceptions import Exit

from orchlab import runner
from orchlab.guard import guarded


def main() -> int:
    """The exit code of a task: 0 also where experiments broke, which their rows say."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        guarded(runner.lane)(Path(sys.argv[1]), sys.argv[2])
    except Exit as error:
        return int(error.code)
    return 0


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):  # a buffered reader cannot be left at the end
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
