"""Small files on the data volume, written so that a crash leaves the old one or the new one."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

PREFIX, SUFFIX = ".", ".partial"
"""Of a file that is being written: the dot keeps it apart from every name that a client may use."""

STALE_SECONDS = 3600
"""A partial file this old belongs to a writer that died."""


class Volume:
    """Files by name in one directory, which several replicas may share.

    Every call blocks until the disk has answered: keep it off the event loop. Whoever
    calls checks the names; links are not followed, so nothing leads out of the directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, name: str, content: bytes) -> bool:
        """Create or replace a file; it survives a power cut once this returns.

        True when it is new. Raises ``OSError``; then the old file is still there.
        """
        path = self._directory / name
        number, partial = tempfile.mkstemp(dir=self._directory, prefix=PREFIX, suffix=SUFFIX)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(number)
            new = path.is_symlink() or not path.is_file()
            Path(partial).replace(path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        self._sync()
        return new

    def read(self, name: str) -> bytes:
        """The content; raises ``FileNotFoundError`` for what is no plain file, else ``OSError``."""
        with os.fdopen(os.open(self._plain(name), os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return file.read()

    def delete(self, name: str) -> None:
        """Remove for good; raises as ``read`` does."""
        self._plain(name).unlink()
        self._sync()

    def sweep(self) -> None:
        """Remove what writers left that died half-way; one that still writes is not disturbed."""
        for partial in self._directory.glob(f"{PREFIX}*{SUFFIX}"):
            with suppress(OSError):  # gone meanwhile, or somebody else's
                if time.time() - partial.stat().st_mtime > STALE_SECONDS:
                    partial.unlink()

    def _plain(self, name: str) -> Path:
        path = self._directory / name
        if not S_ISREG(path.lstat().st_mode):
            raise FileNotFoundError(name)
        return path

    def _sync(self) -> None:
        """Make the directory's entries durable, too."""
        number = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
