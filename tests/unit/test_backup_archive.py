from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchlab.backup import archive
from orchlab.backup.archive import CHECK, MANIFEST, SNAPSHOT, Manifest, Unusable

STORED = {"app/a.txt": b"hello", "app/sub/b.bin": bytes(range(256)), SNAPSHOT: b"REDIS0012..."}
NAMES = st.from_regex(r"app/[A-Za-z0-9][A-Za-z0-9._-]{0,120}", fullmatch=True)
FILES = st.dictionaries(NAMES, st.binary(max_size=2000), max_size=5)


def made(directory: Path, files: dict[str, bytes]) -> Path:
    tree, path = directory / "tree", directory / "backup.tar"
    for name, content in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    found = archive.contents(tree)
    archive.write(path, Manifest("lab", "compose", "1", "2026-01-02T03:04:05+00:00", found), tree)
    return path


def unpacked(path: Path) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as into:
        archive.read(path, Path(into))
        return held(Path(into))


def held(tree: Path) -> dict[str, bytes]:
    found = (each for each in tree.rglob("*") if each.is_file())
    return {each.relative_to(tree).as_posix(): each.read_bytes() for each in found}


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """The same archive with other members, their order kept and every digest right."""
    with tarfile.open(path) as tar:
        members = {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar}
    change(members)
    with tarfile.open(path, "w:") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def restated(members: dict[str, bytes], **fields: object) -> None:
    """Another manifest, with the right digest beside it."""
    said = json.dumps(json.loads(members[MANIFEST]) | fields).encode()
    members[MANIFEST] = said
    members[CHECK] = f"{hashlib.sha256(said).hexdigest()}  {MANIFEST}\n".encode()


@given(files=FILES)
@settings(max_examples=30)
def test_what_is_written_is_read_byte_for_byte(files: dict[str, bytes]) -> None:
    """Whatever names and contents there are."""
    stored = files | {SNAPSHOT: b"REDIS"}
    with tempfile.TemporaryDirectory() as directory:
        assert unpacked(made(Path(directory), stored)) == stored


@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=100)
def test_a_flipped_bit_is_refused_or_changes_nothing(position: float, bit: int) -> None:
    """Padding means nothing; everything else is covered by a digest or a tar header's checksum."""
    with tempfile.TemporaryDirectory() as directory:
        path = made(Path(directory), STORED)
        content = bytearray(path.read_bytes())
        content[int(position * len(content))] ^= 1 << bit
        path.write_bytes(content)
        with suppress(Unusable):
            assert unpacked(path) == STORED


@given(position=st.floats(0, 1, exclude_max=True))
@settings(max_examples=50)
def test_a_truncated_archive_is_refused_or_lacks_padding_only(position: float) -> None:
    """Wherever it was cut."""
    with tempfile.TemporaryDirectory() as directory:
        path = made(Path(directory), STORED)
        content = path.read_bytes()
        path.write_bytes(content[: int(position * len(content))])
        with suppress(Unusable):
            assert unpacked(path) == STORED


@pytest.mark.parametrize("name", STORED)
def test_a_changed_file_is_named(tmp_path: Path, name: str) -> None:
    """The size being the same does not help."""
    path = made(tmp_path, STORED)
    rewritten(path, lambda members: members.update({name: members[name][::-1] or b"x"}))
    with pytest.raises(Unusable, match=f"{name} is not what was saved"):
        archive.read(path, tmp_path / "into")
    assert not (tmp_path / "into" / name).exists()


def test_the_order_of_members_is_stable(tmp_path: Path) -> None:
    """Manifest, its digest, then the files by name; the same data make the same bytes."""
    paths = [made(tmp_path / each, STORED) for each in ("one", "two")]
    with tarfile.open(paths[0]) as tar:
        assert tar.getnames() == [MANIFEST, CHECK, *sorted(STORED)]
        assert {(each.uid, each.uname) for each in tar} == {(0, "")}
        assert {each.mode for each in tar} == {0o600}
    with tarfile.open(paths[0]) as one, tarfile.open(paths[1]) as two:
        manifests = [tar.extractfile(MANIFEST) for tar in (one, two)]
        first, second = (found.read() for found in manifests if found)
        assert first == second


def test_the_manifest_can_be_checked_by_hand(tmp_path: Path) -> None:
    """`sha256sum --check` reads what stands beside it."""
    with tarfile.open(made(tmp_path, STORED)) as tar:
        tar.extractall(tmp_path / "by-hand", filter="data")
    command = ["sha256sum", "--check", CHECK]
    said = subprocess.run(command, cwd=tmp_path / "by-hand", capture_output=True, check=True)
    assert said.stdout.decode() == f"{MANIFEST}: OK\n"


@pytest.mark.parametrize("name", ["/etc/passwd", "app/../../x", "app/../x", "other/x", "app//x"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    """Even where all digests are right; nothing is written."""
    path = made(tmp_path, STORED)

    def evil(members: dict[str, bytes]) -> None:
        content = {"sha256": hashlib.sha256(b"x").hexdigest(), "size": 1}
        files = json.loads(members[MANIFEST])["files"] | {name: content}
        restated(members, files=files)
        head = {each: members.pop(each) for each in (MANIFEST, CHECK)}
        rest = dict(sorted((members | {name: b"x"}).items()))
        members.clear()
        members.update(head | rest)

    rewritten(path, evil)
    with pytest.raises(Unusable, match="names a file that no backup has"):
        archive.read(path, tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_a_link_is_refused(tmp_path: Path) -> None:
    """A backup has plain files; a link in place of one could lead anywhere."""
    path = made(tmp_path, STORED)
    with tarfile.open(path) as tar:
        members = [(each, (tar.extractfile(each) or io.BytesIO()).read()) for each in tar]
    with tarfile.open(path, "w:") as tar:
        for member, content in members:
            if member.name == "app/a.txt":
                member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0
            tar.addfile(member, io.BytesIO(content) if member.isreg() else None)
    with pytest.raises(Unusable):
        archive.read(path, tmp_path / "into")


def test_another_format_says_which(tmp_path: Path) -> None:
    """A later lab's archive is not guessed at."""
    path = made(tmp_path, STORED)
    rewritten(path, lambda members: restated(members, format=2))
    with pytest.raises(Unusable, match="has the format 2, this lab reads 1"):
        archive.read(path, tmp_path / "into")


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100, bytes(10240)])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever it is."""
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(Unusable):
        archive.read(path, tmp_path / "into")


def test_a_tar_of_somebody_elses_is_refused(tmp_path: Path) -> None:
    """It has no manifest."""
    path = tmp_path / "foreign.tar"
    with tarfile.open(path, "w:") as tar:
        tar.addfile(tarfile.TarInfo("app/x"))
    with pytest.raises(Unusable, match="is no backup"):
        archive.read(path, tmp_path / "into")
