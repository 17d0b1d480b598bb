"""What runs in a helper, run here as the program that it is there."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from orchlab.backup import keeper
from orchlab.backup.keeper import LOG, MANIFEST, SNAPSHOT, STAGE
from orchlab.backup.transfer import KEEPER

OLD = {"a": b"old a", "b": b"old b", "sub/c": b"old c"}
NEW = {"a": b"new a", "d": b"new d", "sub": b"a file where a directory was"}


def keep(*words: str | Path, stream: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, *KEEPER[1:], *map(str, words)]
    return subprocess.run(command, input=stream, capture_output=True, check=False)


def fill(directory: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    return directory


def held(directory: Path) -> dict[str, bytes]:
    return {
        each.relative_to(directory).as_posix(): each.read_bytes()
        for each in directory.rglob("*")
        if each.is_file()
    }


def streamed(directory: Path) -> bytes:
    sink = io.BytesIO()
    keeper.pack(directory, keeper.plain(directory), sink)
    return sink.getvalue()


def test_what_is_read_here_is_there_afterwards(tmp_path: Path) -> None:
    """The stream of one directory makes another one the same, and nothing more stays in it."""
    source, target = fill(tmp_path / "one", NEW), fill(tmp_path / "two", OLD)
    said = keep("read", source)
    assert said.returncode == 0, said.stderr
    done = keep("files", target, stream=said.stdout)
    assert done.returncode == 0, done.stderr
    assert held(target) == NEW
    assert not (target / STAGE).exists()


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    """Idempotent, from whatever a killed run left."""
    source, target = fill(tmp_path / "one", NEW), fill(tmp_path / "two", OLD)
    fill(target, {f"{STAGE}/left": b"by a killed run"})
    for _ in range(2):
        assert keep("files", target, stream=streamed(source)).returncode == 0
        assert held(target) == NEW


@pytest.mark.parametrize("kind", ["files", "store"])
@pytest.mark.parametrize("kept", [0, 10, -1, -9])
def test_a_stream_that_was_cut_short_touches_nothing(tmp_path: Path, kind: str, kept: int) -> None:
    """Not even one whose last byte alone is missing."""
    source, target = fill(tmp_path / "one", {SNAPSHOT: b"REDIS new"}), fill(tmp_path / "two", OLD)
    said = keep(kind, target, stream=streamed(source)[:kept])
    assert said.returncode != 0
    assert held(target) == OLD


def test_a_path_that_leads_outside_touches_nothing(tmp_path: Path) -> None:
    """Python's own filter refuses it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))
    target = fill(tmp_path / "two", OLD)
    assert keep("files", target, stream=gzip.compress(packed.getvalue())).returncode != 0
    assert (held(target), (tmp_path / "outside").exists()) == (OLD, False)


def test_links_and_unfinished_files_are_not_read(tmp_path: Path) -> None:
    """The app finishes or removes its own."""
    source = fill(tmp_path / "one", {"a": b"a", ".x.partial": b"half", f"{STAGE}/a": b"staged"})
    (source / "link").symlink_to("/etc/hostname")
    assert keeper.plain(source) == ["a"]


def test_one_file_alone_can_be_read(tmp_path: Path) -> None:
    """Redis' snapshot, of all that is in its volume."""
    source = fill(tmp_path / "one", {SNAPSHOT: b"REDIS", f"{LOG}/{MANIFEST}": b"..."})
    with tarfile.open(
        fileobj=io.BytesIO(gzip.decompress(keep("read", source, SNAPSHOT).stdout))
    ) as tar:
        assert tar.getnames() == [SNAPSHOT]


def test_a_snapshot_becomes_the_base_of_a_new_log(tmp_path: Path) -> None:
    """With numbers that no file had, and nothing of the old data beside it."""
    source = fill(tmp_path / "one", {SNAPSHOT: b"REDIS new"})
    old = {"appendonly.aof.7.base.rdb": b"REDIS", "appendonly.aof.9.incr.aof": b"*1", MANIFEST: b""}
    target = fill(tmp_path / "two", {f"{LOG}/{name}": each for name, each in old.items()})
    fill(target, {SNAPSHOT: b"REDIS old"})
    said = keep("store", target, stream=streamed(source))
    assert said.returncode == 0, said.stderr
    assert held(target) == {
        f"{LOG}/appendonly.aof.10.base.rdb": b"REDIS new",
        f"{LOG}/appendonly.aof.10.incr.aof": b"",
        f"{LOG}/{MANIFEST}": (
            b"file appendonly.aof.10.base.rdb seq 10 type b\n"
            b"file appendonly.aof.10.incr.aof seq 10 type i\n"
        ),
    }


def test_a_redis_that_never_ran_gets_a_log_too(tmp_path: Path) -> None:
    """The volume may be empty."""
    source, target = fill(tmp_path / "one", {SNAPSHOT: b"REDIS"}), tmp_path / "two"
    target.mkdir()
    assert keep("store", target, stream=streamed(source)).returncode == 0
    assert (target / LOG / "appendonly.aof.1.base.rdb").read_bytes() == b"REDIS"


def test_an_unknown_action_is_an_error(tmp_path: Path) -> None:
    """Not silence."""
    assert b"unknown action 'burn'" in keep("burn", tmp_path).stderr
