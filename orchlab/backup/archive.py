"""A backup as one file, which names no platform's own ways.

A tar, not compressed, whose members have a fixed order::

    manifest.json     a ``Manifest``: what is in here, from where, every file's digest and size
    manifest.sha256   the manifest's own digest, as ``sha256sum --check`` reads it
    app/...           the app's files
    redis/dump.rdb    what Redis held: its own snapshot
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchlab import tars
from orchlab.errors import OrchlabError

MANIFEST = "manifest.json"
CHECK = "manifest.sha256"
FORMAT = 1
APP, STORE = "app", "redis"
SNAPSHOT = f"{STORE}/dump.rdb"
MODE = 0o600
"""Of every file: whoever restores it owns it. Who owned it is a matter of the platform."""


@dataclass(frozen=True, slots=True)
class Content:
    """Of one file: SHA-256 as hexadecimal digits, size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, and where it comes from.

    ``app_version`` is what the app said of itself, ``made_at`` the time as ISO 8601 has it,
    ``files`` member -> its content.
    """

    lab: str
    platform: str
    app_version: str
    made_at: str
    files: dict[str, Content]
    format: int = FORMAT


class Unusable(OrchlabError):
    """A file that is no backup, or no longer the one that was written."""

    def __init__(self, path: Path, reason: str) -> None:
        hint = "take another copy of it, or one that `invoke backup` wrote"
        super().__init__(f"nothing was restored: {path} {reason}", hint)


def contents(tree: Path) -> dict[str, Content]:
    """The content of every file below a directory, sorted by name."""
    names = sorted(each.relative_to(tree).as_posix() for each in tree.rglob("*") if each.is_file())
    return {name: _content((tree / name).read_bytes()) for name in names}


def write(path: Path, manifest: Manifest, tree: Path) -> None:
    """Write the files below ``tree`` that the manifest names; raises ``OSError``."""
    said = json.dumps(dataclasses.asdict(manifest), indent=1).encode()
    check = f"{_content(said).sha256}  {MANIFEST}\n".encode()
    with tarfile.open(path, "w:") as tar:
        tars.add(tar, MANIFEST, said, mode=MODE)
        tars.add(tar, CHECK, check, mode=MODE)
        for name in sorted(manifest.files):
            changed = int((tree / name).stat().st_mtime)
            tars.add(tar, name, (tree / name).read_bytes(), mode=MODE, changed=changed)


def read(path: Path, into: Path) -> Manifest:
    """Unpack a backup into an empty directory, checking every byte of it that counts.

    Raises ``Unusable`` for anything but a whole backup that names nothing outside ``into``.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            members = tar.getmembers()
            manifest = _manifest(path, tar, [each.name for each in members])
            for member in members[2:]:
                _unpack(path, tar, member, manifest.files[member.name], into)
    except (tarfile.TarError, EOFError, LookupError, ValueError, TypeError) as error:
        raise Unusable(path, f"is damaged, or no backup at all ({error})") from error
    except OSError as error:
        raise Unusable(path, f"cannot be unpacked: {error}") from error
    return manifest


def _manifest(path: Path, tar: tarfile.TarFile, names: list[str]) -> Manifest:
    """The manifest, once it was found to be what was written and to name the members there are."""
    if names[:2] != [MANIFEST, CHECK]:
        raise Unusable(path, "is no backup, or not the whole of one")
    said, check = _bytes(tar, MANIFEST), _bytes(tar, CHECK)
    if check.decode().split() != [_content(said).sha256, MANIFEST]:
        raise Unusable(path, "is damaged: its manifest is not what was written")
    found = json.loads(said)
    if found["format"] != FORMAT:
        raise Unusable(path, f"has the format {found['format']}, this lab reads {FORMAT}")
    files = {name: Content(**content) for name, content in found.pop("files").items()}
    if names[2:] != sorted(files) or SNAPSHOT not in files:
        raise Unusable(path, "is damaged, or not the whole of one: files are missing, or too many")
    _require_inside(path, files)
    return Manifest(**found, files=files)


def _require_inside(path: Path, names: Iterable[str]) -> None:
    """Raise ``Unusable`` for a name that is not plainly one below ``app`` or ``redis``."""
    for name in names:
        first, *rest = PurePosixPath(name).parts
        plain = PurePosixPath(name).as_posix() == name and ".." not in rest
        if not (plain and rest and (first == APP or name == SNAPSHOT)):
            raise Unusable(path, f"names a file that no backup has: {name!r}")


def _unpack(
    path: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, content: Content, into: Path
) -> None:
    if not member.isreg() or _content(_bytes(tar, member.name)) != content:
        raise Unusable(path, f"is damaged: {member.name} is not what was saved")
    tar.extract(member, into, filter="data")


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    source = tar.extractfile(name)
    if source is None:
        raise tarfile.ReadError(f"{name} is no file")
    return source.read()


def _content(data: bytes) -> Content:
    return Content(hashlib.sha256(data).hexdigest(), len(data))
