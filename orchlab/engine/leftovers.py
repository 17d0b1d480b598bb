"""What a killed engine or a reboot leaves behind, cleared before the next start.

- A pid file may name a process that is somebody else's by now. dockerd would
  refuse to start beside it, or take it for its containerd.
- After a reboot no container lives, but their state in the exec root says so.
  Without a reboot that state is kept: the new dockerd finds the old containers'
  shims through it and ends them properly.

Images, volumes and containers are in the data root, which nothing here touches.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from orchlab import shell
from orchlab.engine import process

MOUNTS = Path("/proc/self/mountinfo")
MOUNT_POINT_FIELD = 4


def mark(home: Path) -> None:
    """Remember in which life of the machine the engine was started."""
    (home / "life").write_text(process.machine_life(), encoding="ascii")


def clear(home: Path) -> None:
    """Make way for a new dockerd; to be called only when ours does not run."""
    (home / "docker.pid").unlink(missing_ok=True)
    (home / "docker.sock").unlink(missing_ok=True)
    exec_root = home / "exec"
    if not _same_life(home):
        unmount_below(exec_root)
        if exec_root.exists():
            shutil.rmtree(exec_root)
        return
    settings = str(exec_root / "containerd/containerd.toml")
    pid_file = exec_root / "containerd/containerd.pid"
    if process.owned(pid_file, "containerd", settings) is None:
        pid_file.unlink(missing_ok=True)


def unmount_below(directory: Path) -> None:
    """Unmount what a dockerd mounted in its own directories, so that they can be removed."""
    for mount in reversed(mounts_below(directory)):
        shell.run(["umount", mount], echo=False)


def _same_life(home: Path) -> bool:
    life = home / "life"
    return life.exists() and life.read_text(encoding="ascii") == process.machine_life()


def mounts_below(directory: Path) -> list[Path]:
    """Mount points at or below a directory, in the order of mounting."""
    found = []
    for line in MOUNTS.read_text(encoding="utf-8").splitlines():
        escaped = line.split()[MOUNT_POINT_FIELD]
        point = Path(escaped.encode("ascii", "backslashreplace").decode("unicode_escape"))
        if point.is_relative_to(directory):
            found.append(point)
    return found
