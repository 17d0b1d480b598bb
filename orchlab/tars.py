"""Tar archives of what is in memory."""

from __future__ import annotations

import io
import tarfile


def add(
    tar: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644, changed: int = 0
) -> None:
    """Add a file; ``changed`` in seconds since 1970. Raises ``OSError``."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content), mode, changed
    tar.addfile(member, io.BytesIO(content))


def of(name: str, content: bytes) -> bytes:
    """An archive of one file, as the engine takes it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        add(tar, name, content)
    return archive.getvalue()
