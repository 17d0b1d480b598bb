"""Processes by pid, told apart from strangers that were given the same pid later."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import BinaryIO

PROC = Path("/proc")


def arguments(pid: int) -> list[str]:
    """The command line of a live process; empty for a dead one or a zombie."""
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(word) for word in raw.split(b"\0") if word]


def read_pid(pid_file: Path) -> int | None:
    """The number in a pid file; None when there is none."""
    try:
        return int(pid_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def owned(pid_file: Path, program: str, marker: str) -> int | None:
    """The pid in ``pid_file`` if that process is ``program`` with ``marker`` as an argument.

    The marker is an argument that only our process has, such as the path of its own
    pid file: after a reboot the same pid may belong to anybody.
    """
    pid = read_pid(pid_file)
    if pid is None:
        return None
    words = arguments(pid)
    ours = bool(words) and Path(words[0]).name == program and marker in words
    return pid if ours else None


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal; a process that has just ended is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def machine_life() -> str:
    """Changes with each boot, and with each start of the container one runs in."""
    boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    stat = (PROC / "1/stat").read_text(encoding="utf-8")
    started = stat.rpartition(")")[2].split()[19]
    return f"{boot} {started}"


_children: list[subprocess.Popen[bytes]] = []
"""Kept, since Python takes a forgotten child that still runs for a mistake."""


@atexit.register
def _let_go() -> None:
    """They are meant to outlive us: no warning at the end that they still run."""
    for child in _children:
        child.returncode = child.returncode or 0


def spawn_detached(argv: list[str], env: dict[str, str], log: BinaryIO) -> subprocess.Popen[bytes]:
    """Start a program in its own session, so that it outlives us and our terminal.

    Those that ended meanwhile are reaped first: a process that starts an engine
    again and again leaves no zombies.
    """
    for child in [each for each in _children if each.poll() is not None]:
        _children.remove(child)
    child = subprocess.Popen(
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    _children.append(child)
    return child
