"""Files to and from the places where a platform has them, and many places' files as one."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from orchlab.backup import keeper
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.platforms.capabilities import Place
from orchlab.wait import wait_until

KEEPER = ("python3", "-c", Path(keeper.__file__).read_text(encoding="utf-8"))
SAVE_SECONDS = 120.0
AGAIN = "run the command again; the status task of the platform shows what runs"

Ask = Callable[..., list[str]]
"""Sends commands to Redis and returns the lines of its answers."""


def save(ask: Ask) -> None:
    """Have Redis write all that it holds in this moment to its disk.

    A snapshot and not the append-only file, which grows while it is copied: the snapshot
    is never changed, only replaced by another whole one. Returns when it is there; raises
    ``OrchlabError`` when Redis could not write it, and ``WaitTimeout``.
    """
    wait_until(
        "Redis begins a snapshot",
        lambda: "started" in " ".join(ask("BGSAVE")),
        timeout=SAVE_SECONDS,
        state=lambda: " ".join(ask("INFO persistence")),
    )
    said = wait_until("Redis has written its snapshot", lambda: _written(ask), timeout=SAVE_SECONDS)
    if said != "ok":
        hint = "its log says why; its volume may be full"
        raise OrchlabError("Redis could not write a snapshot", hint)


def _written(ask: Ask) -> str:
    """How the last snapshot ended; empty while one is being written."""
    found = dict(line.strip().split(":", 1) for line in ask("INFO persistence") if ":" in line)
    return "" if found["rdb_bgsave_in_progress"] != "0" else found["rdb_last_bgsave_status"]


def fetch(place: Place, into: Path, name: str = "") -> None:
    """Copy a place's files, or one of them, into a new directory.

    Raises ``OrchlabError`` when it cannot be read, or not all of it was received.
    """
    into.mkdir()
    with tempfile.TemporaryFile() as stream:
        _keep(place, "read", *([name] if name else []), sink=stream)
        stream.seek(0)
        try:
            keeper.unpack(stream, into)
        except (EOFError, OSError, tarfile.TarError) as error:
            raise OrchlabError(f"{place.name}: not all was received ({error})", AGAIN) from error
    if name and not (into / name).exists():
        raise OrchlabError(f"{place.name} has no {name}", AGAIN)


def replace(place: Place, kind: str, tree: Path) -> None:
    """Put the files below ``tree`` in the place of its own, as ``keeper`` does with that kind.

    Raises ``OrchlabError``; the place has what it had then, unless its disk failed half-way.
    """
    with tempfile.TemporaryFile() as stream:
        keeper.pack(tree, keeper.plain(tree), stream)
        stream.seek(0)
        _keep(place, kind, source=stream)


def merge(trees: Iterable[Path], into: Path) -> set[str]:
    """Move all trees' files into a new one: of several of one name, that changed last.

    Returns the names of which there were different ones.
    """
    into.mkdir(parents=True)
    differing = set()
    for tree in trees:
        for name in keeper.plain(tree):
            here, there = tree / name, into / name
            if there.exists() and here.read_bytes() != there.read_bytes():
                differing.add(name)
            if not there.exists() or here.stat().st_mtime > there.stat().st_mtime:
                there.parent.mkdir(parents=True, exist_ok=True)
                here.replace(there)
    return differing


def _keep(
    place: Place,
    action: str,
    *names: str,
    source: IO[bytes] | None = None,
    sink: IO[bytes] | None = None,
) -> None:
    """Run the keeper there; of what went wrong its last line says enough."""
    try:
        place.run(*KEEPER, action, place.directory, *names, source=source, sink=sink)
    except CommandFailed as error:
        last = (error.output.strip().splitlines() or [f"exit status {error.exit_status}"])[-1]
        raise OrchlabError(f"{place.name}: cannot {action}: {last}", AGAIN) from error
