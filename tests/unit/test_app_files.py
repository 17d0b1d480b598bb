from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.volume import STALE_SECONDS, Volume
from tests.unit.app_client import ask, client, settings


def test_a_file_lives_from_put_to_delete(tmp_path: Path) -> None:
    """Created is 201, replaced is 200; read back byte for byte; gone after the delete."""
    content = bytes(range(256))

    async def use() -> list[httpx.Response]:
        async with client(settings(tmp_path)) as http:
            return [
                await http.put("/files/a.bin", content=b"old"),
                await http.put("/files/a.bin", content=content),
                await http.get("/files/a.bin"),
                await http.delete("/files/a.bin"),
                await http.get("/files/a.bin"),
                await http.delete("/files/a.bin"),
            ]

    created, replaced, read, deleted, missing, again = asyncio.run(use())
    assert (created.status_code, created.json()) == (201, {"name": "a.bin", "size": 3})
    assert (replaced.status_code, replaced.json()) == (200, {"name": "a.bin", "size": 256})
    assert (read.status_code, read.content) == (200, content)
    assert read.headers["Content-Type"] == "application/octet-stream"
    assert read.headers["X-Content-Type-Options"] == "nosniff"
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (missing.status_code, again.status_code) == (404, 404)
    assert list(tmp_path.iterdir()) == []


ESCAPES = [".", "..", "%2e%2e", "..%2fetc%2fpasswd", "%2fetc%2fpasswd", "a%2f..%2f..%2fb", "a\\b"]
UNUSUAL = [".hidden", ".tmp.partial", "-a", "a%00b", "a%0a", "a b", "ä", "a" * 101]


@pytest.mark.parametrize("name", [*ESCAPES, *UNUSUAL])
def test_a_name_cannot_leave_the_directory(name: str, tmp_path: Path) -> None:
    """Separators, dots in front and anything unusual are refused, encoded or not."""
    inside = tmp_path / "data"
    inside.mkdir()
    answer = ask(settings(inside), "PUT", f"/files/{name}", content=b"x")
    assert answer.status_code in {404, 405, 422}
    assert list(tmp_path.rglob("*")) == [inside]


def test_a_link_or_directory_on_the_volume_is_not_followed(tmp_path: Path) -> None:
    """What somebody else put on the volume does not lead out of it, and is not removed."""
    outside, inside = tmp_path / "secret", tmp_path / "data"
    outside.write_text("hunter2")
    (inside / "folder").mkdir(parents=True)
    (inside / "link").symlink_to(outside)
    for name in ("link", "folder"):
        for method in ("GET", "DELETE"):
            assert ask(settings(inside), method, f"/files/{name}").status_code == 404
    assert ask(settings(inside), "PUT", "/files/link", content=b"mine").status_code == 201
    assert outside.read_text() == "hunter2"
    assert (inside / "link").read_text() == "mine"


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "streamed"])
def test_a_file_over_the_limit_is_a_413_problem(announced: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """The limit holds whether the client says how much will come or not; nothing is left."""
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 10
            yield b"0123456789"

    async def use() -> httpx.Response:
        async with client(settings(tmp_path, file_limit_bytes=25)) as http:
            headers = {"Content-Length": "10000"} if announced else {}
            return await http.put("/files/a", content=body(), headers=headers)

    answer = asyncio.run(use())
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "25 bytes" in answer.json()["detail"]
    assert list(tmp_path.iterdir()) == []
    assert read == (0 if announced else 30), "no more is read than shows that it is too much"


def test_a_file_of_exactly_the_limit_fits(tmp_path: Path) -> None:
    """The limit itself is allowed, and so is nothing at all."""
    used = settings(tmp_path, file_limit_bytes=25)
    assert ask(used, "PUT", "/files/a", content=b"x" * 25).status_code == 201
    assert ask(used, "PUT", "/files/b", content=b"").status_code == 201
    assert (tmp_path / "b").read_bytes() == b""


def test_a_full_disk_is_a_503_problem_that_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the volume refuses, the reply says so; the old content stays and no rest is left."""
    (tmp_path / "a").write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.volume.os.fsync", full)
    answer = ask(settings(tmp_path), "PUT", "/files/a", content=b"new")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_write_is_on_the_disk_before_it_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content, then the new name, then the directory: the order that survives a power cut."""
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(number: int) -> None:
        is_directory = stat.S_ISDIR(os.fstat(number).st_mode)
        steps.append("fsync directory" if is_directory else "fsync file")
        fsync(number)

    def renamed(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr("app.volume.os.fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    volume = Volume(tmp_path)
    volume.write("a", b"x")
    assert steps == ["fsync file", "rename", "fsync directory"]
    volume.delete("a")
    assert steps[3:] == ["fsync directory"]


def test_only_stale_partial_files_are_swept(tmp_path: Path) -> None:
    """A start removes what dead writers left; another replica's write goes on."""
    for name in (".old.partial", ".new.partial", "old.partial"):
        (tmp_path / name).touch()
    long_ago = (tmp_path / ".new.partial").stat().st_mtime - STALE_SECONDS - 1
    os.utime(tmp_path / ".old.partial", (long_ago, long_ago))
    os.utime(tmp_path / "old.partial", (long_ago, long_ago))
    Volume(tmp_path).sweep()
    assert {each.name for each in tmp_path.iterdir()} == {".new.partial", "old.partial"}


def test_the_last_write_wins(tmp_path: Path) -> None:
    """Longer, shorter or empty: a read gives the last content, and only the first was new."""
    volume = Volume(tmp_path)
    contents = [b"first", b"", b"x" * 5000, b"last"]
    assert [volume.write("a", each) for each in contents] == [True, False, False, False]
    assert volume.read("a") == b"last"


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    """While one client writes again and again, another reads one whole version or the other."""
    versions = [b"a" * 50_000, b"b" * 50_000]

    async def use() -> set[bytes]:
        async with client(settings(tmp_path)) as http:
            await http.put("/files/f", content=versions[0])

            async def write() -> None:
                for number in range(20):
                    await http.put("/files/f", content=versions[number % 2])

            writing = asyncio.create_task(write())
            seen = set()
            while not writing.done():
                seen.add((await http.get("/files/f")).content)
            await writing
            return seen

    assert asyncio.run(use()) <= set(versions)
