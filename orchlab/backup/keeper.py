"""Runs where the data are, in a helper or a replica: reads files as a stream, or replaces them.

By hand, with any Python from 3.11.4 on::

    python3 keeper.py read DIRECTORY [NAME] > stream    all plain files below, or one
    python3 keeper.py files DIRECTORY < stream          exactly these files
    python3 keeper.py store DIRECTORY < stream          dump.rdb becomes the data of a stopped Redis

A stream is a gzipped tar: the checksum at its end tells a whole one from one that was cut
short, and nothing is replaced before that was read. A program of its own, which imports
nothing of the lab.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import signal
import sys
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

STAGE = ".orchlab-restore"
"""Beside the data, since a rename does not leave a volume."""
SNAPSHOT = "dump.rdb"
LOG = "appendonlydir"
MANIFEST = "appendonly.aof.manifest"
NUMBERED = re.compile(r"appendonly\.aof\.(\d+)\.")
CHUNK = 1 << 20
TERMINATED = 128 + signal.SIGTERM


def plain(directory: Path) -> list[str]:
    """Names of the plain files below, but for what an app or a restore has not finished."""
    found = (each for each in directory.rglob("*") if each.is_file() and not each.is_symlink())
    names = (each.relative_to(directory).as_posix() for each in found)
    return sorted(name for name in names if not _unfinished(name))


def _unfinished(name: str) -> bool:
    last = name.rpartition("/")[2]
    return name.startswith(f"{STAGE}/") or (last.startswith(".") and last.endswith(".partial"))


def pack(directory: Path, names: Iterable[str], sink: IO[bytes]) -> None:
    """Write these files as a stream; one that was removed meanwhile is left out."""
    with (
        gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        for name in names:
            with suppress(FileNotFoundError), (directory / name).open("rb") as file:
                tar.addfile(tar.gettarinfo(arcname=name, fileobj=file), file)


def unpack(source: IO[bytes], directory: Path) -> None:
    """Write a stream's files below a directory, and read it to its end.

    Raises ``EOFError`` or ``OSError`` for a stream that is not whole, and ``TarError``.
    """
    with gzip.GzipFile(fileobj=source) as packed:
        with tarfile.open(fileobj=packed, mode="r|") as tar:
            tar.extractall(directory, filter="data")
        while packed.read(CHUNK):
            pass


def replace_files(directory: Path, source: IO[bytes]) -> None:
    """Leave exactly the stream's files: each is the old one or the new one at any time."""
    with _staged(directory, source) as stage:
        wanted = plain(stage)
        for name in sorted(set(plain(directory)) - set(wanted)):
            _remove(directory, name)
        for name in wanted:
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).replace(directory / name)
            _sync((directory / name).parent)


def replace_store(directory: Path, source: IO[bytes]) -> None:
    """Make the snapshot the base of a new append-only file, and remove the old one.

    Redis reads the files that its manifest names, so the rename of the manifest is what
    replaces the data: before it they are the old ones, after it the new ones. The numbers are
    unused ones: Redis would go on with a file of the next number if there were one.
    """
    log = directory / LOG
    with _staged(directory, source) as stage:
        log.mkdir(exist_ok=True)
        used = (NUMBERED.match(each.name) for each in log.iterdir())
        number = 1 + max((int(match[1]) for match in used if match), default=0)
        base, increments = (f"appendonly.aof.{number}.{kind}" for kind in ("base.rdb", "incr.aof"))
        (stage / SNAPSHOT).replace(log / base)
        (log / increments).touch()
        lines = (f"file {base} seq {number} type b", f"file {increments} seq {number} type i")
        (stage / MANIFEST).write_text("".join(f"{line}\n" for line in lines))
        _sync(stage / MANIFEST)
        _sync(log)
        (stage / MANIFEST).replace(log / MANIFEST)
        _sync(log)
    for each in log.iterdir():
        if each.name not in (MANIFEST, base, increments):
            each.unlink()
    (directory / SNAPSHOT).unlink(missing_ok=True)


@contextmanager
def _staged(directory: Path, source: IO[bytes]) -> Iterator[Path]:
    """The stream's files on the disk beside the data; also a killed run's are removed."""
    stage = directory / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    try:
        stage.mkdir()
        unpack(source, stage)
        for name in plain(stage):
            _sync(stage / name)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _remove(directory: Path, name: str) -> None:
    """A file, and the directories that are empty without it."""
    (directory / name).unlink(missing_ok=True)
    for folder in Path(name).parents[:-1]:
        with suppress(OSError):
            (directory / folder).rmdir()


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _end(*_: object) -> None:
    """The first process of a container ignores SIGTERM unless it says what to do."""
    sys.exit(TERMINATED)


def main(action: str, place: str, name: str = "") -> None:
    """Do what the command line says."""
    signal.signal(signal.SIGTERM, _end)
    directory = Path(place)
    if action == "read":
        pack(directory, [name] if name else plain(directory), sys.stdout.buffer)
    elif action == "files":
        replace_files(directory, sys.stdin.buffer)
    elif action == "store":
        replace_store(directory, sys.stdin.buffer)
    else:
        sys.exit(f"unknown action {action!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
