"""Where files live: the lab's own, and three directories of the user.

What the checkout has beside this package (``app/``, ``stacks/``, ``k8s/``) travels in the
wheel below ``orchlab/data``, laid out as in the checkout.

==========  ============================  ======================================
function    default                       holds
==========  ============================  ======================================
cache_dir   ``~/.cache/orchlab``          builds and packages; safe to delete
data_dir    ``~/.local/share/orchlab``    the private engine's images and volumes
state_dir   ``~/.local/state/orchlab``    sockets, pid files, kubeconfig; mode 0700
==========  ============================  ======================================

The ``XDG_*_HOME`` variables move them (XDG Base Directory Specification 0.8).
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab import console, labels
from orchlab.errors import OrchlabError, UsageError

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent
"""The checkout, or where the wheel was installed."""


def data(package: Path) -> Path:
    """The directory that holds ``app/``, ``stacks/`` and ``k8s/``."""
    carried = package / "data"
    return carried if carried.is_dir() else package.parent


APP = data(PACKAGE) / "app"
STACKS = data(PACKAGE) / "stacks"
K8S = data(PACKAGE) / "k8s"
RESULTS = ROOT / "results"
LESSONS = ROOT / "docs" / "lessons"


def _xdg(variable: str, default: str, mode: int = 0o755) -> Path:
    base = os.environ.get(variable) or str(Path.home() / default)
    path = Path(base) / "orchlab"
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    return path


def cache_dir() -> Path:
    """Directory of what can be built or downloaded again."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def data_dir() -> Path:
    """Directory of the private engine's data root."""
    return _xdg("XDG_DATA_HOME", ".local/share")


def state_dir() -> Path:
    """Directory of sockets and credentials, readable by its owner alone."""
    path = _xdg("XDG_STATE_HOME", ".local/state", 0o700)
    path.chmod(0o700)
    return path


def lab_dir() -> Path:
    """This lab's part of the state directory: node sockets, kubeconfig."""
    path = state_dir() / "labs" / labels.LAB
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def require_place(path: Path) -> None:
    """Raise ``UsageError`` unless there can be a file at ``path``."""
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{path} cannot be a file", "name a file in a directory that exists")


@contextmanager
def alone(directory: Path, doing: str = "") -> Iterator[None]:
    """Let one process at a time through; the kernel lifts the lock of a killed one.

    ``doing``: what takes long in there, for whoever has to wait ("is building redis").
    """
    lock = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if doing:
                console.note(f"another command {doing}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def workplace(path: Path) -> Iterator[Path]:
    """A directory beside ``path``, for what is not finished; also a killed run's is removed."""
    work = path.with_name(f".{path.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir()
        yield work
    except OSError as error:
        if error.errno is None:  # of a connection: `requests` has made its errors a kind of these
            raise
        hint = "name a file where there is room for it"
        raise OrchlabError(f"{path} could not be written: {error.strerror}", hint) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
