"""What a run was made with: the machine, the lab's version, the state of the source."""

from __future__ import annotations

import os
import platform
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from orchlab import shell
from orchlab.errors import CommandFailed
from orchlab.paths import ROOT

GIB = 1024**3
UNKNOWN = "unknown"


def describe() -> dict[str, str]:
    """Kernel, cores, memory, Python, architecture and cgroup version of this machine."""
    return {
        "system": _system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cores": str(os.cpu_count() or UNKNOWN),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / GIB:.1f} GiB",
        "python": platform.python_version(),
        "cgroup": _cgroup(),
    }


def boot() -> str:
    """Which start of the machine this is: monotonic times of one start share an axis."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else UNKNOWN


def version() -> str:
    """The lab's version: of the checkout, or of the installed package."""
    project = ROOT / "pyproject.toml"
    if project.exists():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version("orchlab")


def source() -> dict[str, Any]:
    """Commit of the checkout and whether files differ from it; unknown without git."""
    try:
        commit = shell.run(["git", "rev-parse", "HEAD"], cwd=ROOT, echo=False).strip()
        changes = shell.run(["git", "status", "--porcelain"], cwd=ROOT, echo=False)
    except CommandFailed:
        return {"commit": UNKNOWN, "dirty": None}
    return {"commit": commit, "dirty": bool(changes.strip())}


def revision(directory: Path) -> str:
    """The commit that last changed a directory of the checkout; unknown without git.

    Other commits do not change it: what has the same content has the same revision.
    ``-dirty`` follows when files differ from that commit.
    """
    try:
        asked = ["git", "log", "-1", "--format=%H", "--", str(directory)]
        commit = shell.run(asked, cwd=ROOT, echo=False).strip()
        status = ["git", "status", "--porcelain", "--", str(directory)]
        changes = shell.run(status, cwd=ROOT, echo=False).strip()
    except CommandFailed:
        return UNKNOWN
    return f"{commit}-dirty" if commit and changes else commit or UNKNOWN


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _cgroup() -> str:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return "2"
    return "1" if root.is_dir() else "none"
