"""Docker's programs from distribution packages, unpacked into a private prefix.

Debian gets them from its stable release (they need only libc 2.34, so they run on
the release before it too), Ubuntu from its own archive. runc, tini and iptables
must fit the host, so these are installed in the ordinary way.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from orchlab import console, paths, shell
from orchlab.engine import apt
from orchlab.errors import CommandFailed, HostUnfit

DEBIAN_STABLE = "trixie"
WANTED = (
    "docker.io",
    "docker-cli",
    "containerd",
    "docker-compose",
    "docker-compose-v2",
    "docker-buildx",
)
HOST_PACKAGES = {
    "runc": "runc",
    "tini-static": "tini",
    "iptables": "iptables",
    "modprobe": "kmod",
    "update-ca-certificates": "ca-certificates",
}
"""Program -> the package that has it; the certificates serve downloads of builds."""

PROGRAMS = ("dockerd", "docker", "containerd", "containerd-shim-runc-v2", "docker-proxy")
PLUGINS = ("docker-compose", "docker-buildx")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def root() -> Path:
    """Directory of everything that was fetched; can be deleted and fetched again."""
    return paths.cache_dir() / "engine"


def prefix() -> Path:
    """Where the programs are unpacked; present only when complete."""
    host = apt.distribution()
    return root() / (host.codename if host.family == "ubuntu" else DEBIAN_STABLE)


def bin_dirs(tree: Path) -> list[Path]:
    """Directories of a prefix that belong in ``PATH``."""
    return [tree / "usr/bin", tree / "usr/sbin"]


def plugin_dir(tree: Path) -> Path:
    """Directory of a prefix that holds the CLI plugins (its place differs by release)."""
    found = (path.parent for path in tree.glob(f"usr/*/docker/cli-plugins/{PLUGINS[0]}"))
    return next(found, tree / "usr/libexec/docker/cli-plugins")


def provide() -> Path:
    """The prefix with Docker's programs, fetched on first use.

    Raises ``HostUnfit`` when the host's archives do not have them.
    """
    ready = prefix()
    if ready.exists():
        return ready
    root().mkdir(exist_ok=True)
    with paths.alone(root(), "is fetching a Docker engine"):
        if not ready.exists():
            _provide(ready)
    return ready


def _provide(ready: Path) -> None:
    with console.step("fetch a Docker engine from the distribution's packages"):
        tree = root() / f"{ready.name}.partial"
        shutil.rmtree(tree, ignore_errors=True)
        unpack(_fetch(), tree)
        _require_programs(tree)
        tree.rename(ready)
        shutil.rmtree(root() / "apt")


def _fetch() -> list[Path]:
    private = apt.PrivateApt(root() / "apt", _sources(), apt.keyring(apt.distribution().family))
    debs = root() / "apt" / "debs"
    shutil.rmtree(debs, ignore_errors=True)
    debs.mkdir()
    try:
        private.update()
        known = private.known()
        private.download([name for name in WANTED if name in known], debs)
    except CommandFailed as error:
        raise HostUnfit(
            f"the distribution's archive did not give Docker's packages\n{error.message}",
            "check the network and `apt-get update`, or install a Docker engine yourself",
        ) from error
    return sorted(debs.glob("*.deb"))


def _sources() -> list[apt.Source]:
    host = apt.distribution()
    if host.family == "ubuntu":
        found = apt.ubuntu_sources(host.codename, apt.sources())
    else:
        found = apt.debian_sources(DEBIAN_STABLE, apt.sources())
    if not found:
        raise HostUnfit(
            "no Docker engine, and apt has no Debian or Ubuntu archive to take one from",
            "install Docker, compose and buildx, or add the archive to /etc/apt/sources.list.d",
        )
    return found


def unpack(debs: list[Path], tree: Path) -> None:
    """Put the files of packages below a directory, as they would stand below ``/``."""
    tree.mkdir(parents=True, exist_ok=True)
    for deb in debs:
        shell.run(["dpkg", "-x", deb, tree], echo=False)


def _require_programs(tree: Path) -> None:
    search = os.pathsep.join(map(str, bin_dirs(tree)))
    missing = [name for name in PROGRAMS if shutil.which(name, path=search) is None]
    plugins = plugin_dir(tree)
    missing += [name for name in PLUGINS if not (plugins / name).exists()]
    if missing:
        raise HostUnfit(
            f"the distribution's Docker packages lack {', '.join(missing)}",
            "install a Docker engine with compose and buildx yourself",
        )


def install(needed: dict[str, str]) -> None:
    """Install the packages whose program is missing (``needed``: program -> package).

    Raises ``HostUnfit`` when that is impossible: no root, or no such package.
    """
    search = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    names = [package for name, package in needed.items() if not shutil.which(name, path=search)]
    if not names:
        return
    argv = ["apt-get", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    hint = f"as root: apt-get update && apt-get install {' '.join(names)}"
    if os.geteuid() != 0:
        raise HostUnfit(f"missing on this host: {', '.join(names)}", hint)
    with console.step(f"install {', '.join(names)}"):
        try:
            try:
                shell.run([*argv, "install", *names], env=quiet)
            except CommandFailed:  # lists absent or out of date: refresh them, then once more
                shell.run(["apt-get", "-q", "update"])
                shell.run([*argv, "install", *names], env=quiet)
        except CommandFailed as error:
            raise HostUnfit(f"cannot install {', '.join(names)}\n{error.message}", hint) from error
