"""A container that sees one volume and nothing else: how data are read and replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from orchlab import labels, shell

DATA = "/data"
"""Where the app and Redis have their volumes, and the helper the one that it sees."""
STORE_USER, APP_USER = "999:999", "10001:10001"
"""Who owns the data, in both variants: a helper needs no right that the owner has not."""


def command(volume: str, user: str, image: str, platform: str) -> list[str]:
    """The start of a command that runs there; the container goes with the command.

    ``volume-nocopy``: an empty volume is not filled with what the image has in its place.
    """
    alone = ("--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
    mount = f"--mount=type=volume,source={volume},target={DATA},volume-nocopy"
    flags = ("--rm", "--interactive", "--no-healthcheck", f"--user={user}", *alone, mount)
    return ["docker", "run", *flags, *labels.flags(platform), image]


def runner(start: Sequence[str | Path], env: Mapping[str, str] | None = None) -> Callable[..., str]:
    """What runs a command behind that start, as ``Place.run`` does."""

    def run(*words: str, source: IO[bytes] | None = None, sink: IO[bytes] | None = None) -> str:
        return shell.run([*start, *words], env=env, echo=False, source=source, sink=sink)

    return run
