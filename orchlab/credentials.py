"""Secrets of a lab, its own and lent ones: files that only their owner can reach."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab import paths

KEY_BYTES = 32


def api_key_file() -> Path:
    """The file with this lab's API key; made at the first call and kept until ``clean``.

    Its directory has mode 0700, so nobody else on the host gets at it. The file
    itself is readable by all: mounted into a container it belongs to a stranger,
    since Compose cannot change the owner of a bind mount.
    """
    path = _directory() / "api-key"
    return path if path.exists() else renew_api_key()


def renew_api_key(key: str = "") -> Path:
    """Replace the lab's API key by a new one, or by the one given; the file's name stays."""
    path = _directory() / "api-key"
    partial = path.with_suffix(".partial")
    _write(partial, key or secrets.token_urlsafe(KEY_BYTES))
    partial.replace(path)
    return path


@contextmanager
def lent(secret: str, name: str) -> Iterator[Path]:
    """A file of that name with somebody else's secret, for the length of the block."""
    path = _directory() / name
    try:
        _write(path, secret)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _write(path: Path, secret: str) -> None:
    path.write_text(secret, encoding="utf-8")
    path.chmod(0o444)


def _directory() -> Path:
    directory = paths.lab_dir() / "secrets"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory
