"""Short hashes of what an image is made of; valid as part of a tag."""

from __future__ import annotations

import hashlib
from pathlib import Path

from docker.utils.build import exclude_paths

LENGTH = 12
"""Hex digits: 48 bits keep the tags of one lab apart and readable."""


def of_text(*parts: str) -> str:
    """Of a sequence of words; their boundaries count."""
    return _short(b"".join(_framed(part.encode()) for part in parts))


def of_tree(directory: Path) -> str:
    """Of a build context: names, executable bits and contents of its files.

    What ``.dockerignore`` leaves out does not count. Raises ``FileNotFoundError``
    if there is no such directory.
    """
    files = (directory / name for name in sorted(_context(directory)))
    return _short(b"".join(_entry(directory, path) for path in files))


def _context(directory: Path) -> set[str]:
    """Relative names of what a build sends to the engine."""
    if not directory.is_dir():
        raise FileNotFoundError(f"no build context at {directory}")
    ignore = directory / ".dockerignore"
    lines = ignore.read_text().splitlines() if ignore.exists() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return exclude_paths(str(directory), ["**/__pycache__", *patterns])


def _entry(directory: Path, path: Path) -> bytes:
    name = str(path.relative_to(directory)).encode()
    if path.is_symlink():
        return _framed(name) + _framed(b"link") + _framed(str(path.readlink()).encode())
    if not path.is_file():
        return b""
    mode = b"x" if path.stat().st_mode & 0o100 else b"-"
    return _framed(name) + _framed(mode) + _framed(path.read_bytes())


def _framed(part: bytes) -> bytes:
    return b"%d:" % len(part) + part


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:LENGTH]
