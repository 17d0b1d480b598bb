"""When a child process of the runner ends: on a signal, or together with the runner."""

from __future__ import annotations

import asyncio
import os
import signal
import sys


async def stopped() -> None:
    """Return on SIGTERM, on SIGINT, or when stdin reaches its end."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stdin = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(stdin, 4096):
            loop.remove_reader(stdin)
            stop.set()

    loop.add_reader(stdin, readable)
    await stop.wait()
    loop.remove_reader(stdin)
