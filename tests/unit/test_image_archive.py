"""Archives of images: written, checked, refused."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import docker
import pytest
from docker.errors import ImageLoadError

from orchlab import shell
from orchlab.errors import CommandFailed, OrchlabError, UnknownName, UsageError
from orchlab.images import archive, image_archive
from orchlab.images.archive import Unusable
from orchlab.images.store import Image, ImageStore

REFERENCE = "orchlab/redis:f00d"
LAYER = b"layer" * 1000
MEMBERS = {
    "blobs/sha256/aa": LAYER,
    "manifest.json": json.dumps([{"RepoTags": [REFERENCE]}, {"RepoTags": None}]).encode(),
}


def put(path: Path, members: dict[str, bytes]) -> None:
    """Write a tar of these members, as the engine would."""
    with tarfile.open(path, "w") as tar:
        tar.addfile(_directory("blobs"))
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "blobs/sha256/aa"
        tar.addfile(link)


def _directory(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE
    return entry


def silent(_line: str) -> None:
    """Nobody watches."""


@pytest.fixture(autouse=True)
def saved(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """What ``docker image save`` does."""

    def save(argv: Sequence[Any], **_options: object) -> str:
        assert argv[:4] == ["docker", "image", "save", "--output"]
        put(argv[4], MEMBERS)
        return ""

    run = Mock(side_effect=save)
    monkeypatch.setattr(shell, "run", run)
    return run


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """An archive of one image and one program."""
    program = tmp_path / "kind"
    program.write_bytes(b"program")
    path = tmp_path / "images.tar"
    archive.write(path, {"redis": REFERENCE}, "amd64", {"programs/kind": program}, silent)
    return path


def rewrite(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Change the content of members, or leave out those that become None."""
    old = path.with_name("old")
    path.rename(old)
    with tarfile.open(old) as source, tarfile.open(path, "w") as target:
        for member in source:
            content = source.extractfile(member)
            if not member.isfile() or content is None:
                target.addfile(member)
            elif (new := change(member.name, content.read())) is not None:
                member.size = len(new)
                target.addfile(member, io.BytesIO(new))


def test_an_archive_says_what_is_in_it(made: Path) -> None:
    """Names, references and architecture come back, and every file has a digest."""
    index = archive.read(made, silent)
    assert index.images == {"redis": REFERENCE}
    assert index.architecture == "amd64"
    assert index.members.keys() == {*MEMBERS, "link", "programs/kind"}


def test_the_engine_can_load_it_by_hand(made: Path) -> None:
    """What the engine saved is in there unchanged, in its order, before the lab's own."""
    with tarfile.open(made) as tar:
        names = tar.getnames()
        assert names == ["blobs", *MEMBERS, "link", "programs/kind", archive.INDEX]
        content = tar.extractfile("blobs/sha256/aa")
        assert content
        assert content.read() == LAYER


@pytest.mark.parametrize("name", [*MEMBERS, "programs/kind"])
def test_a_changed_byte_is_found(made: Path, name: str) -> None:
    """Wherever it is, and it is said where."""
    rewrite(made, lambda each, old: old[:-1] + b"x" if each == name else old)
    with pytest.raises(Unusable, match=f"damaged: {name}"):
        archive.read(made, silent)


def test_a_missing_and_a_foreign_member_are_found(made: Path, tmp_path: Path) -> None:
    """Neither less nor more than what was saved."""
    shutil.copy(made, tmp_path / "more.tar")
    rewrite(made, lambda each, old: None if each.startswith("blobs/") else old)
    with tarfile.open(tmp_path / "more.tar", "a") as tar:
        tar.addfile(tarfile.TarInfo("blobs/sha256/bb"))
    for path in (made, tmp_path / "more.tar"):
        with pytest.raises(Unusable, match="damaged: blobs/sha256/"):
            archive.read(path, silent)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_an_archive_that_was_cut_short_is_refused(made: Path, part: float) -> None:
    """Before the index as well as within it; only padding may be missing."""
    with tarfile.open(made) as tar:
        index = tar.getmember(archive.INDEX)
    made.write_bytes(made.read_bytes()[: int(part * (index.offset_data + index.size))])
    with pytest.raises(Unusable):
        archive.read(made, silent)


def test_an_archive_without_its_last_member_is_refused(made: Path) -> None:
    """So is what the engine saves by itself: nothing vouches for it."""
    rewrite(made, lambda each, old: None if each == archive.INDEX else old)
    with pytest.raises(Unusable, match="no archive of this lab, or not the whole"):
        archive.read(made, silent)


@pytest.mark.parametrize("content", [b"", b"no archive\n" * 1000, bytes(20480)])
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """With the way to make one."""
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(Unusable) as error:
        archive.read(path, silent)
    assert "image-archive save" in error.value.hint


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"format": 1', b'"format": 2', "format 2"),
        (b'"format": 1', b'"format": 1, "more": 1', "cannot be read"),
        (b'"architecture"', b'"archi', "cannot be read"),
        (REFERENCE.encode(), b"orchlab/redis:beef", "images that it has not"),
    ],
)
def test_a_changed_index_is_refused(made: Path, old: bytes, new: bytes, reason: str) -> None:
    """Nothing vouches for the index, so it has to agree with what the digests vouch for."""
    rewrite(made, lambda each, text: text.replace(old, new, 1) if each == archive.INDEX else text)
    with pytest.raises(Unusable, match=reason):
        archive.read(made, silent)


def test_a_program_comes_out_whole(made: Path, tmp_path: Path) -> None:
    """With its mode, and with nothing beside it."""
    target = tmp_path / "cache" / "kind"
    archive.extract(made, "programs/kind", target)
    assert target.read_bytes() == b"program"
    assert target.stat().st_mode & 0o777 == 0o755
    assert [each.name for each in target.parent.iterdir()] == ["kind"]


def test_progress_is_told(made: Path) -> None:
    """Of the check and of the way to the engine, whose bytes are the file's."""
    said: list[str] = []
    archive.read(made, said.append)
    assert b"".join(archive.chunks(made, said.append)) == made.read_bytes()
    assert said[0] == "0 MB checked"
    assert said[-1] == "0 of 0 MB"


# --- what the command does with them ---------------------------------------------------


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mock:
    """An engine with Redis' image and nothing else; what it is asked to load."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    held = {"redis": Image(REFERENCE, "sha256:1")}
    monkeypatch.setattr(ImageStore, "held", lambda _self, name: held.get(name))
    monkeypatch.setattr(ImageStore, "held_app", lambda _self: None)
    monkeypatch.setattr(ImageStore, "require", lambda _self, reference: Image(reference, ""))
    client = Mock()
    client.info.return_value = {"Architecture": "x86_64"}
    client.images.load.side_effect = list
    monkeypatch.setattr(docker, "from_env", lambda **_options: client)
    return client


def test_what_is_there_is_saved_and_the_rest_is_named(
    engine: Mock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is built for it; the file holds what the table shows."""
    path = tmp_path / "images.tar"
    image_archive.save(ImageStore(), path)
    said = capsys.readouterr()
    assert "not saved: debian, python," in said.err
    assert REFERENCE in said.out
    assert archive.read(path, silent).images == {"redis": REFERENCE}
    assert [each.name for each in tmp_path.iterdir()] == ["images.tar"]


def test_there_may_be_nothing_to_save(engine: Mock, tmp_path: Path) -> None:
    """An image that was asked for by name must not be missing; unknown names are refused."""
    for only in ("debian", "redis,debian"):
        with pytest.raises(OrchlabError, match="does not have debian") as error:
            image_archive.save(ImageStore(), tmp_path / "images.tar", only)
        assert "invoke images" in error.value.hint
    with pytest.raises(UnknownName):
        image_archive.save(ImageStore(), tmp_path / "images.tar", "nginx")


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), CommandFailed(["docker"], 1, "no space left on device")]
)
def test_an_interrupted_save_leaves_what_was_there(
    engine: Mock, saved: Mock, tmp_path: Path, error: BaseException
) -> None:
    """No half-made file, under no name; an older archive stays as it is."""

    def half(argv: Sequence[Any], **_options: object) -> str:
        Path(argv[4]).with_name(".docker_temp_1").write_bytes(b"half")
        raise error

    saved.side_effect = half
    path = tmp_path / "images.tar"
    path.write_bytes(b"older")
    with pytest.raises(type(error)):
        image_archive.save(ImageStore(), path)
    assert [each.name for each in tmp_path.iterdir()] == ["images.tar"]
    assert path.read_bytes() == b"older"


def test_what_a_killed_save_left_is_no_obstacle(engine: Mock, tmp_path: Path) -> None:
    """The next one takes its place and takes it away."""
    (tmp_path / ".images.tar.partial").mkdir()
    (tmp_path / ".images.tar.partial" / "images.tar").write_bytes(b"half")
    image_archive.save(ImageStore(), tmp_path / "images.tar")
    assert [each.name for each in tmp_path.iterdir()] == ["images.tar"]


def test_a_load_checks_and_then_brings_everything(engine: Mock, tmp_path: Path) -> None:
    """The engine gets the very file; kind is where the next command looks for it."""
    ((member, place),) = image_archive._places().items()  # noqa: SLF001 - the place is the point
    place.parent.mkdir(parents=True)
    place.write_bytes(b"kind")
    path = tmp_path / "images.tar"
    archive.write(path, {"redis": REFERENCE}, "amd64", {member: place}, silent)
    shutil.rmtree(place.parent)
    image_archive.load(ImageStore(), path)
    (sent,) = (call.args[0] for call in engine.images.load.call_args_list)
    assert list(sent) == []  # all of it was taken
    assert place.read_bytes() == b"kind"


def test_an_archive_of_another_lab_version_is_loaded_with_a_warning(
    engine: Mock, made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its images are there, and this version would still build its own."""
    monkeypatch.setattr(ImageStore, "held", lambda _self, _name: None)
    image_archive.load(ImageStore(), made)
    assert f"{REFERENCE} is of another version" in capsys.readouterr().err


def test_nothing_unusable_reaches_the_engine(engine: Mock, made: Path) -> None:
    """Neither an archive for other machines nor a damaged one."""
    engine.info.return_value = {"Architecture": "aarch64"}
    with pytest.raises(Unusable, match="for amd64, this engine runs arm64"):
        image_archive.load(ImageStore(), made)
    rewrite(made, lambda each, old: old + b"x" if each == "manifest.json" else old)
    with pytest.raises(Unusable):
        image_archive.load(ImageStore(), made)
    engine.images.load.assert_not_called()


def test_an_engine_that_refuses_is_one_line(engine: Mock, made: Path) -> None:
    """It may know better."""
    engine.images.load.side_effect = ImageLoadError("unsupported layer")
    with pytest.raises(OrchlabError, match="unsupported layer"):
        image_archive.load(ImageStore(), made)


def test_wrong_usage_is_told_apart(
    engine: Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not there, one that cannot be, and an action that does not exist."""
    monkeypatch.setattr(image_archive, "engine", SimpleNamespace(ensure=lambda: None))
    with pytest.raises(UsageError, match="no file"):
        image_archive.run("load", tmp_path / "images.tar")
    for path in (tmp_path, tmp_path / "nowhere" / "images.tar"):
        with pytest.raises(UsageError, match="cannot be a file"):
            image_archive.run("save", path)
    with pytest.raises(UsageError, match="as a whole"):
        image_archive.run("load", tmp_path / "images.tar", "redis")
    with pytest.raises(UnknownName) as error:
        image_archive.run("delete", tmp_path / "images.tar")
    assert error.value.hint == "valid names: save, load"
