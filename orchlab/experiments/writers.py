"""Concurrent writers, and the ledger of what they were told."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import requests

from orchlab.experiments.client import increment

WRITERS = 8
PAUSE_SECONDS = 0.02
"""After a write that nobody acknowledged: an outage must not become a busy loop."""


class Writers:
    """Clients that add one to the counter until the ``with`` block ends.

    ``acknowledged`` holds the counter's value in each acknowledgement; ``unknown``
    counts the attempts that had none: such a write may or may not have happened, so
    it is neither kept nor lost. Every write under way when the block ends is waited for.
    """

    def __init__(self, url: str, writers: int = WRITERS) -> None:
        self.acknowledged: list[int] = []
        self.unknown = 0
        self._url = url
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.threads = [threading.Thread(target=self._write) for _ in range(writers)]
        self._began = time.monotonic()

    def rate(self) -> float:
        """Acknowledged writes per second until now."""
        return len(self.acknowledged) / (time.monotonic() - self._began)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self.threads:
            thread.join()

    def _write(self) -> None:
        while not self._stop.is_set():
            try:
                value = increment(self._url)
            except requests.RequestException:
                with self._lock:
                    self.unknown += 1
                time.sleep(PAUSE_SECONDS)
            else:
                with self._lock:
                    self.acknowledged.append(value)
