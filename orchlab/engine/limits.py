"""Disk space and kernel limits: checked, and raised where that is permitted."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchlab import console, paths
from orchlab.errors import HostUnfit

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 1024
"""Several nodes with an init system each use up the usual 128."""

GB = 10**9
FRESH_GB = 15
"""Free space for the first build: images, their build cache and compiled Go programs."""
BUILT_GB = 4
"""Free space for a run with existing images: three nodes' own copies of them."""


def free_gb(path: Path) -> float:
    """Free space in GB where ``path`` is, or would be created."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free / GB


def needed_gb(*, built: bool) -> int:
    """Free space in GB that the lab wants, before or after its images are built."""
    return BUILT_GB if built else FRESH_GB


def require_disk(data_root: Path, *, built: bool) -> None:
    """Raise ``HostUnfit`` when the engine's or the caches' file system is too full.

    kind's kubelet does not evict on a full disk: it breaks in less obvious ways.
    """
    needed = needed_gb(built=built)
    for place in (data_root, paths.cache_dir()):
        free = free_gb(place)
        if free < needed:
            raise HostUnfit(
                f"{free:.1f} GB free at {place}, {needed} GB needed",
                "free some space, or set XDG_DATA_HOME and XDG_CACHE_HOME to a larger disk",
            )


def inotify_instances() -> int:
    """The kernel's limit of inotify instances per user; 0 when it cannot be read."""
    try:
        return int(INOTIFY.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def raise_inotify_instances() -> None:
    """Raise that limit to what several nodes need; say how where it is not permitted."""
    if inotify_instances() >= INOTIFY_INSTANCES:
        return
    try:
        INOTIFY.write_text(str(INOTIFY_INSTANCES), encoding="ascii")
    except OSError:
        console.warn(
            "several nodes need more inotify instances: "
            f"sudo sysctl fs.inotify.max_user_instances={INOTIFY_INSTANCES}"
        )
    else:
        console.note(f"$ sysctl fs.inotify.max_user_instances={INOTIFY_INSTANCES}")
