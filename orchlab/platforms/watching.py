"""Watching a platform while something else goes on: threads that end with their block.

A watcher only looks. What goes wrong with it is told like anything else that happened, and
ends nothing but itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from docker import DockerClient

from orchlab.platforms.capabilities import Happening, Tell

POLL_SECONDS = 0.5


@contextmanager
def polling(
    look: Callable[[], None], source: str, tell: Tell, period: float = POLL_SECONDS
) -> Iterator[None]:
    """Call ``look`` every ``period`` seconds in a thread until the block ends."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(period):
            look()

    with _thread(work, source, tell):
        try:
            yield
        finally:
            ended.set()


@contextmanager
def engine_events(
    client: DockerClient,
    filters: dict[str, Any],
    heard: Callable[[dict[str, Any]], None],
    tell: Tell,
) -> Iterator[None]:
    """Pass on each event of an engine that the filters let through until the block ends."""
    stream = client.events(decode=True, filters=filters)

    def work() -> None:
        for event in stream:
            heard(event)

    with closing(client), _thread(work, "docker", tell):
        try:
            yield
        finally:
            stream.close()


@contextmanager
def _thread(work: Callable[[], None], source: str, tell: Tell) -> Iterator[None]:
    def guarded() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a watcher must not end what it watches
            what = f"not watched any more: {type(error).__name__}: {error}"
            tell(Happening(time.time_ns(), what, source))

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        thread.join()
