"""The app's data: to a file, and back from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchlab.tasks.common import command

if TYPE_CHECKING:
    from invoke.context import Context

    from orchlab.platforms.base import Platform

PLATFORM = {"platform": "compose, swarm or k8s"}
FROM = {"from": "a file that `invoke backup` wrote, on whatever platform"}


def _deployed(name: str) -> Platform:
    """The adapter on a running engine; raises ``UnknownName``."""
    from orchlab import engine, lifecycle
    from orchlab.names import one
    from orchlab.platforms.registry import PLATFORMS

    adapter = one("platform", name, PLATFORMS)
    engine.ensure()
    return adapter(lifecycle.image_store("auto"))


@command(**PLATFORM, to="the file; if not given, one named after platform and time, here")
def backup(_: Context, platform: str, to: str = "") -> None:
    """Write the app's files and what Redis holds to a tar with checksums, while the app serves.

    What Redis holds is of one moment; each file is whole. The file suits every platform.

    Example: invoke backup --platform compose --to data.tar
    """
    from orchlab.backup import operations

    deployed = _deployed(platform)
    path = Path(to) if to else operations.default_file(platform)
    operations.show(path, operations.backup(deployed, path))


@command(**PLATFORM, **FROM)
def restore(_: Context, platform: str, from_: str) -> None:
    """Replace the data of the app that runs by those of a backup; Redis is away meanwhile.

    The file is checked before anything is touched. Files that are not in it are removed.

    Example: invoke restore --platform k8s --from data.tar
    """
    from orchlab.backup import operations

    path = Path(from_)
    operations.show(path, operations.restore(_deployed(platform), path))
