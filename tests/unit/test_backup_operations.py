"""Backup and restore on a platform whose places are directories here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pytest

from orchlab.backup import operations, transfer
from orchlab.backup.archive import SNAPSHOT, Unusable
from orchlab.backup.keeper import LOG
from orchlab.errors import OrchlabError, UsageError
from orchlab.platforms import helper
from orchlab.platforms.base import Endpoint, Platform
from orchlab.platforms.capabilities import Place, VolumeBackup


class Directories:
    """A test double of a platform: Redis' volume, and one for the files of each replica.

    Its Redis writes a snapshot when it is told to, as the real one, and knows nothing else.
    """

    name = "directories"

    def __init__(self, root: Path, replicas: int = 1, *, lasting: bool = True) -> None:
        self.store = root / "store"
        self.replicas = [root / f"replica{number}" for number in range(replicas)]
        for each in (self.store, *self.replicas):
            each.mkdir(parents=True)
        self.held = b"REDIS 20"
        self.lasting = lasting
        self.happened: list[str] = []
        self.status = "ok"

    def endpoints(self) -> list[Endpoint]:
        return []

    def ask_store(self, *commands: str) -> list[str]:
        (command,) = commands
        if command == "BGSAVE":
            self.happened.append("saved")
            (self.store / "dump.rdb").write_bytes(self.held)
            return ["Background saving started"]
        return [
            "# Persistence",
            "rdb_bgsave_in_progress:0",
            f"rdb_last_bgsave_status:{self.status}",
        ]

    def file_places(self) -> list[Place]:
        return [self._place(each) for each in self.replicas]

    @contextmanager
    def store_place(self) -> Iterator[Place]:
        self.happened.append("helper")
        yield self._place(self.store)
        self.happened.append("helper gone")

    @contextmanager
    def store_stopped(self) -> Iterator[None]:
        self.happened.append("stopped")
        try:
            yield
        finally:
            self.happened.append("started")

    def _place(self, directory: Path) -> Place:
        run = helper.runner([])
        return Place(
            directory.name,
            lambda *words, **streams: run(sys.executable, *words[1:], **streams),
            str(directory),
            lasting=self.lasting,
        )


def as_platform(double: Directories) -> Platform:
    assert isinstance(double, VolumeBackup)
    return cast("Platform", double)


def write(directory: Path, name: str, content: bytes, changed: float) -> None:
    (directory / name).write_bytes(content)
    os.utime(directory / name, (changed, changed))


def files(directory: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in directory.iterdir()}


def test_data_move_from_one_platform_to_another(tmp_path: Path) -> None:
    """Every replica there has all files byte for byte, and Redis the snapshot."""
    here, there = Directories(tmp_path / "here"), Directories(tmp_path / "there", 3)
    write(here.replicas[0], "notes.txt", b"\x00\xff" * 1000, 1_000)
    write(there.replicas[1], "older.txt", b"not in the backup", 2_000)
    path = tmp_path / "data.tar"
    saved = operations.backup(as_platform(here), path)
    assert here.happened == ["saved", "helper", "helper gone"]
    assert list(saved.files) == ["app/notes.txt", SNAPSHOT]
    assert (saved.platform, saved.app_version) == ("directories", "unknown")
    assert operations.restore(as_platform(there), path) == saved
    assert there.happened == ["stopped", "helper", "helper gone", "started"]
    assert [files(each) for each in there.replicas] == [{"notes.txt": b"\x00\xff" * 1000}] * 3
    assert (there.store / LOG / "appendonly.aof.1.base.rdb").read_bytes() == b"REDIS 20"


def test_of_different_files_the_newest_is_saved_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Replicas that share no volume may have different ones of a name."""
    here = Directories(tmp_path / "here", 3)
    for replica, content, changed in zip(here.replicas, (b"1", b"2", b"1"), (5, 9, 7), strict=True):
        write(replica, "a", content, changed)
    write(here.replicas[2], "b", b"only here", 1)
    path = tmp_path / "data.tar"
    operations.backup(as_platform(here), path)
    assert "replicas have different files a" in capsys.readouterr().err
    operations.restore(as_platform(here), path)
    assert [files(each) for each in here.replicas] == [{"a": b"2", "b": b"only here"}] * 3


def test_files_that_end_with_their_replica_are_pointed_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who restores them may expect them to stay."""
    here = Directories(tmp_path / "here", lasting=False)
    write(here.replicas[0], "a", b"1", 5)
    path = tmp_path / "data.tar"
    operations.backup(as_platform(here), path)
    operations.restore(as_platform(here), path)
    assert "they end with it" in capsys.readouterr().err


def test_a_damaged_backup_touches_nothing(tmp_path: Path) -> None:
    """Neither Redis nor a file."""
    here = Directories(tmp_path / "here")
    write(here.replicas[0], "a", b"1", 5)
    path = tmp_path / "data.tar"
    operations.backup(as_platform(here), path)
    content = bytearray(path.read_bytes())
    content[content.index(b"REDIS 20")] ^= 1
    path.write_bytes(content)
    here.happened.clear()
    write(here.replicas[0], "a", b"2", 5)
    with pytest.raises(Unusable, match=f"{SNAPSHOT} is not what was saved"):
        operations.restore(as_platform(here), path)
    assert (here.happened, files(here.replicas[0])) == ([], {"a": b"2"})


def test_redis_is_started_again_when_its_data_could_not_be_replaced(tmp_path: Path) -> None:
    """What went wrong in the helper is said in one line."""
    here = Directories(tmp_path / "here")
    path = tmp_path / "data.tar"
    operations.backup(as_platform(here), path)
    here.store = tmp_path / "gone"
    with pytest.raises(OrchlabError, match="gone: cannot store: FileNotFoundError"):
        operations.restore(as_platform(here), path)
    assert here.happened[-1] == "started"


def test_a_backup_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    """Replaced when all is there, or not at all."""
    here = Directories(tmp_path / "here")
    here.status = "err"
    path = tmp_path / "data.tar"
    path.write_bytes(b"an older one")
    with pytest.raises(OrchlabError, match="could not write a snapshot"):
        operations.backup(as_platform(here), path)
    assert path.read_bytes() == b"an older one"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data.tar", "here"]


def test_what_was_cut_short_on_the_way_is_no_backup(tmp_path: Path) -> None:
    """A command that ends well may have been read to half."""

    def half(*_: str, source: None, sink: IO[bytes]) -> str:
        sink.write(b"\x1f\x8b")
        return ""

    with pytest.raises(OrchlabError, match="there: not all was received"):
        transfer.fetch(Place("there", half), tmp_path / "into")


def test_a_volume_without_a_snapshot_is_no_backup(tmp_path: Path) -> None:
    """An empty stream is whole, but not what was asked for."""
    here = Directories(tmp_path / "here")
    with here.store_place() as place, pytest.raises(OrchlabError, match=r"store has no dump\.rdb"):
        transfer.fetch(place, tmp_path / "into", "dump.rdb")


@pytest.mark.parametrize(("busy", "asked"), [(0, 1), (2, 3)])
def test_a_snapshot_that_is_being_written_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, busy: int, asked: int
) -> None:
    """It may be older than the backup: another one is begun."""
    said: list[str] = []

    def ask(command: str) -> list[str]:
        said.append(command)
        if command == "BGSAVE" and said.count("BGSAVE") <= busy:
            return ["ERR Background save already in progress"]
        if command == "BGSAVE":
            return ["Background saving started"]
        return ["rdb_bgsave_in_progress:0\r", "rdb_last_bgsave_status:ok\r"]

    monkeypatch.setattr("time.sleep", lambda _: None)
    transfer.save(ask)
    assert said.count("BGSAVE") == asked


@pytest.mark.parametrize("name", ["", "no/such/directory/data.tar"])
def test_a_place_that_takes_no_file_is_refused_first(tmp_path: Path, name: str) -> None:
    """Before anything is read."""
    here = Directories(tmp_path / "here")
    with pytest.raises(UsageError):
        operations.backup(as_platform(here), tmp_path / name)
    assert here.happened == []


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """By its name."""
    here = Directories(tmp_path / "here")
    with pytest.raises(UsageError, match="there is no file"):
        operations.restore(as_platform(here), tmp_path / "missing.tar")
