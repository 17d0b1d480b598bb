"""Secrets that a lab makes for itself: files that only their owner can reach."""

from __future__ import annotations

import secrets
from pathlib import Path

from orchlab import paths

KEY_BYTES = 32


def api_key_file() -> Path:
    """The file with this lab's API key; made at the first call and kept until ``clean``.

    Its directory has mode 0700, so nobody else on the host gets at it. The file
    itself is readable by all: mounted into a container it belongs to a stranger,
    since Compose cannot change the owner of a bind mount.
    """
    directory = paths.lab_dir() / "secrets"
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / "api-key"
    if not path.exists():
        partial = path.with_suffix(".partial")
        partial.write_text(secrets.token_urlsafe(KEY_BYTES), encoding="ascii")
        partial.chmod(0o444)
        partial.replace(path)
    return path
