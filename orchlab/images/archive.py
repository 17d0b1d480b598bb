"""Images as one file, for machines that shall not build them.

It is the archive that ``docker image save`` writes, with members at its end that are the
lab's own, so ``docker image load --input FILE`` takes it too::

    blobs/..., manifest.json, ...   the images; a layer that several share is there once
    programs/...                    programs for the host that go with them
    orchlab.json                    an ``Index``: what is in here, and every member's digest

The index is the last member: an archive that was cut short has none.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchlab import shell, tars
from orchlab.errors import OrchlabError

INDEX = "orchlab.json"
FORMAT = 1
ENGINES_INDEX = "manifest.json"
"""The member in which the engine says which image has which reference."""
CHUNK = 1 << 20

Detail = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Index:
    """What an archive holds.

    ``images``: name in the catalogue -> reference. ``architecture``: of the engine that
    they run on, as Go names it. ``members``: name -> SHA-256 of a file, target of a link.
    """

    images: dict[str, str]
    architecture: str
    members: dict[str, str]
    format: int = FORMAT


class Unusable(OrchlabError):
    """A file that is no archive of this lab, or no longer the one that was written."""

    def __init__(self, path: Path, reason: str) -> None:
        hint = "make it with `invoke image-archive save FILE`, and copy the whole of it"
        super().__init__(f"nothing was loaded: {path} {reason}", hint)


def write(
    path: Path,
    images: Mapping[str, str],
    architecture: str,
    programs: Mapping[str, Path],
    detail: Detail,
) -> None:
    """Write the engine's images (name -> reference) and ``programs`` (member -> file).

    What an interrupted run leaves at ``path`` is no archive. Raises ``CommandFailed`` or
    ``OSError``.
    """
    references = list(dict.fromkeys(images.values()))
    shell.run(["docker", "image", "save", "--output", path, *references])
    with tarfile.open(path, "a:") as tar:
        for name, program in programs.items():
            tar.add(program, name)
    with tarfile.open(path, "r:") as tar:
        index = Index(dict(images), architecture, _digests(tar, detail))
    content = json.dumps(dataclasses.asdict(index), indent=1).encode()
    with tarfile.open(path, "a:") as tar:
        tars.add(tar, INDEX, content)


def read(path: Path, detail: Detail) -> Index:
    """The index, once every member was found to be what it says.

    Raises ``Unusable`` for anything else than a whole archive of this lab, and ``OSError``.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            index = _index(tar, path)
            found = _digests(tar, detail)
            names = sorted(found.items() ^ index.members.items())
            if names:
                raise Unusable(path, f"is damaged: {names[0][0]} is not what was saved")
            if not set(index.images.values()) <= _references(tar):
                raise Unusable(path, "is damaged: its index names images that it has not")
    except (tarfile.TarError, EOFError, LookupError, ValueError) as error:
        raise Unusable(path, f"is damaged, or no archive at all ({error})") from error
    return index


def chunks(path: Path, detail: Detail) -> Iterator[bytes]:
    """The content of a file, as the engine takes it; ``detail`` is told how far it is."""
    size = path.stat().st_size
    with path.open("rb") as source:
        for chunk in _chunks(source):
            detail(f"{source.tell() / 1e6:.0f} of {size / 1e6:.0f} MB")
            yield chunk


def extract(path: Path, name: str, target: Path) -> None:
    """Put a program of a checked archive at ``target``, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    with tarfile.open(path, "r:") as tar, partial.open("wb") as sink:
        sink.writelines(_content(tar, tar.getmember(name)))
    partial.chmod(0o755)
    partial.replace(target)


def _index(tar: tarfile.TarFile, path: Path) -> Index:
    try:
        known = json.loads(b"".join(_content(tar, tar.getmember(INDEX))))
        if known["format"] != FORMAT:
            raise Unusable(path, f"has the format {known['format']}, this lab reads {FORMAT}")
        return Index(**known)
    except KeyError:
        raise Unusable(path, "is no archive of this lab, or not the whole of one") from None
    except (ValueError, TypeError) as error:
        raise Unusable(path, f"is damaged: its index cannot be read ({error})") from error


def _digests(tar: tarfile.TarFile, detail: Detail) -> dict[str, str]:
    """Digest or target of every member but the index and the directories."""
    found: dict[str, str] = {}
    for member in tar:
        detail(f"{member.offset / 1e6:.0f} MB checked")
        if member.islnk() or member.issym():
            found[member.name] = member.linkname
        elif member.isfile() and member.name != INDEX:
            digest = hashlib.sha256()
            for chunk in _content(tar, member):
                digest.update(chunk)
            found[member.name] = digest.hexdigest()
    return found


def _references(tar: tarfile.TarFile) -> set[str]:
    """All references that the engine will give the images."""
    images = json.loads(b"".join(_content(tar, tar.getmember(ENGINES_INDEX))))
    return {str(each) for image in images for each in image["RepoTags"] or ()}


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    source = tar.extractfile(member)
    if source is None:
        raise tarfile.ReadError(f"{member.name} is not a file")
    with source:
        yield from _chunks(source)


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk
