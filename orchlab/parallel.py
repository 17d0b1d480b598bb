"""The same for several nodes or containers at once: they do not wait for each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(act: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Apply ``act`` to all items at the same time; the first error is raised."""
    waiting = list(items)
    with ThreadPoolExecutor(max_workers=max(1, len(waiting))) as pool:
        return list(pool.map(act, waiting))
