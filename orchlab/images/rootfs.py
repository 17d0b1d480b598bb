"""A Debian root file system from packages, as a tarball and as an image."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchlab import console, labels, shell
from orchlab.errors import HostUnfit
from orchlab.images import hostconfig
from orchlab.paths import alone, cache_dir

PACKAGES = ("mmdebstrap", "debian-archive-keyring")
"""What the host needs for it; the keyring is missing on derivatives of Debian."""

OPTIONS = (
    "--variant=minbase",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=APT::Install-Recommends "false"',
)
"""In force while bootstrapping and, through the image's own settings, later on."""

DROP_SOURCES = 'rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*'
"""A host's mirror may hold credentials: builds get it as a secret instead."""


def tarball(name: str, suite: str, packages: Sequence[str]) -> Path:
    """Bootstrap ``suite`` with ``packages``; kept as ``name`` in the cache directory.

    An interrupted bootstrap leaves no tarball behind. Raises ``HostUnfit`` if
    mmdebstrap is missing and cannot be installed.
    """
    target = cache_dir() / "rootfs" / name
    target.parent.mkdir(exist_ok=True)
    with alone(target.parent, "is bootstrapping Debian"):
        if not target.exists():
            _require_mmdebstrap()
            _bootstrap(suite, packages, target)
    return target


def _bootstrap(suite: str, packages: Sequence[str], target: Path) -> None:
    partial = target.with_suffix(".partial")
    with _workspace(target.parent) as env, console.step(f"bootstrap Debian {suite}") as detail:
        shell.run(_command(suite, packages, partial), env=env, on_line=detail)
    partial.replace(target)


@contextmanager
def _workspace(parent: Path) -> Iterator[dict[str, str]]:
    """Settings that keep temporary files where an interrupted run's are found again.

    For root only: others bootstrap in a user namespace, to which a home directory
    may be closed. No mount is in there, see ``_command``.
    """
    if os.geteuid() != 0:
        yield {}
        return
    work = parent / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(exist_ok=True)
    yield {"TMPDIR": str(work)}
    shutil.rmtree(work, ignore_errors=True)


def import_image(source: Path, reference: str) -> None:
    """Make a labelled image of one layer from a tarball."""
    changes = [f"LABEL {key}={value}" for key, value in labels.labels().items()]
    words = [f"--change={change}" for change in [*changes, 'CMD ["bash"]']]
    with console.step(f"import {reference}"):
        shell.run(["docker", "import", *words, source, reference])


def _command(suite: str, packages: Sequence[str], target: Path) -> list[str]:
    sources = hostconfig.sources_list(suite)
    # What mmdebstrap mounts must go with it, also when it is killed.
    private = ["unshare", "--mount"] if os.geteuid() == 0 else []
    argv = [*private, "mmdebstrap", "--format=tar", *OPTIONS]
    if packages:
        argv.append(f"--include={','.join(packages)}")
    if sources:
        argv.append(f"--customize-hook={DROP_SOURCES}")
    return [*argv, suite, str(target), *([str(sources)] if sources else [])]


def _require_mmdebstrap() -> None:
    if shutil.which("mmdebstrap") and hostconfig.KEYRING.exists():
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        hint = f"install it ({' '.join(command)} as root), or use --images pull"
        raise HostUnfit("mmdebstrap is missing: base images cannot be built here", hint)
    with console.step("install mmdebstrap on this host") as detail:
        shell.run(["apt-get", "update"], on_line=detail)
        shell.run(command, env={"DEBIAN_FRONTEND": "noninteractive"}, on_line=detail)
