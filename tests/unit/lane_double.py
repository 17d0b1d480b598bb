"""A test double of a lane: its platform's name says how it goes."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def _told(_number: int, _frame: FrameType | None) -> None:
    os.write(1, b"told to end\n")
    sys.exit(0)


def main() -> int:
    """Ends well, or badly, or only when it is told to."""
    signal.signal(signal.SIGTERM, _told)
    _, run, platform = sys.argv
    os.write(1, f"measures {run}\n".encode())
    if platform == "waits":
        signal.pause()
    return 3 if platform == "breaks" else 0


if __name__ == "__main__":
    sys.exit(main())
