"""Ports on 127.0.0.1 that stay the same for as long as a release is up.

A port that the engine chooses is another one after every restart, so that a client
who knew it would not find the healed replica. The lab chooses instead, below the
range from which the kernel serves outgoing connections.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable

from orchlab.errors import OrchlabError, UsageError

FIRST, LAST = 20_000, 32_000
HIGHEST = 65_535
ATTEMPTS = 100


def block(first: int, count: int) -> str:
    """``count`` ports from ``first`` on, as Compose takes them.

    Exactly as many as there are replicas: the one that restarts finds only its own free.
    Raises ``UsageError`` for what is no port.
    """
    last = first + count - 1
    if not 1 <= first <= last <= HIGHEST:
        raise UsageError(f"{first} to {last} are no ports", f"choose from 1 to {HIGHEST}")
    return str(first) if count == 1 else f"{first}-{last}"


def size(ports: str) -> int:
    """How many ports a block holds; 0 for those that the engine chooses."""
    return len(_numbers(ports))


def joined(blocks: Iterable[str]) -> str:
    """Blocks that replicas asked for, as one; empty when there is a gap between them."""
    numbers = sorted({number for each in blocks for number in _numbers(each)})
    if not numbers or numbers[-1] - numbers[0] >= len(numbers):
        return ""
    return block(numbers[0], len(numbers))


def kept(ports: str, count: int) -> str:
    """That block if it has the right size, else one that is free."""
    return ports if size(ports) == count else free_block(count)


def after(ports: str, count: int) -> str:
    """The next ``count`` ports if they are free, else others."""
    numbers = _numbers(ports)
    return free_block(count, numbers[-1] + 1 if numbers else 0)


def free_block(count: int, first: int = 0) -> str:
    """``count`` ports on which nobody listens, from ``first`` on if these are free.

    Raises ``OrchlabError`` when it finds none.
    """
    candidates = [first] if first else []
    candidates += [random.randrange(FIRST, LAST) for _ in range(ATTEMPTS)]  # noqa: S311 - no secret
    for each in candidates:
        if each + count <= HIGHEST and all(_free(port) for port in range(each, each + count)):
            return block(each, count)
    raise OrchlabError(f"no {count} free ports in a row on 127.0.0.1", "choose one with --port")


def _numbers(ports: str) -> range:
    first, _, last = ports.partition("-")
    return range(int(first), int(last or first) + 1) if ports not in ("", "0") else range(0)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        # As the engine's own proxy does; without it, a closed connection counts for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
