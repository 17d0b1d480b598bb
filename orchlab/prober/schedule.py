"""Open loop: requests leave on an absolute schedule, however late answers are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from orchlab.prober.client import Client
from orchlab.records import Sample

NS_PER_S = 1_000_000_000
GRACE_S = 0.5
"""How much longer than the time-out open requests are awaited at the end."""


def intended(start_ns: int, rate: float, i: int) -> int:
    """When request ``i`` of a series should leave; computed from ``i``, so it cannot drift."""
    return start_ns + round(i * NS_PER_S / rate)


class Lane:
    """One series: request ``i`` goes to client ``i`` mod n at its intended time."""

    def __init__(
        self, clients: Sequence[Client], rate: float, write: Callable[[Sample], None]
    ) -> None:
        self.clients = clients
        self.sent = 0
        self.begun = asyncio.Event()
        self._rate = rate
        self._write = write
        self._open: set[asyncio.Task[None]] = set()

    async def run(self, start_ns: int) -> None:
        """Send until cancelled; never waits for an answer."""
        while True:
            due = intended(start_ns, self._rate, self.sent)
            wait = due - time.monotonic_ns()
            if wait > 0:
                await asyncio.sleep(wait / NS_PER_S)
            client = self.clients[self.sent % len(self.clients)]
            self.sent += 1
            self.begun.set()
            task = asyncio.create_task(self._one(client, due))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
            await asyncio.sleep(0)

    async def finish(self, timeout_s: float) -> None:
        """Wait for open requests, then close the connections."""
        if self._open:
            await asyncio.wait(self._open, timeout=timeout_s + GRACE_S)
        for client in self.clients:
            await client.close()

    async def _one(self, client: Client, due: int) -> None:
        self._write(await client.probe(due))
