"""Programs from Go modules, built on the host and kept in the cache directory.

A build is a directory with its own ``go.mod`` and ``go.sum``, against which every
module is checked. Go's settings (module proxy, checksum database, caches) are the
host's own; its build cache keeps each finished package, so a build that was
interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from orchlab import console, shell
from orchlab.errors import OrchlabError
from orchlab.images import fingerprint
from orchlab.images.gotool import environment, go
from orchlab.paths import cache_dir

MODULES = Path(__file__).resolve().parent / "go"
FLAGS = ("-v", "-trimpath", "-buildvcs=false", "-mod=readonly")


@dataclass(frozen=True, slots=True)
class Patch:
    """Other content for ``files`` of a required ``module``; None leaves one out."""

    module: str
    files: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class GoBuild:
    """The programs ``packages`` of the module in ``directory``.

    ``variables`` are string variables that the linker sets. ``test``: the program is one
    of the package's tests, ``<package>.test``.
    """

    directory: Path
    packages: Sequence[str] = (".",)
    tags: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    patch: Patch | None = None
    test: bool = False

    def fingerprint(self) -> str:
        """Of the module's files and of how they are compiled."""
        files = self.patch.files if self.patch else {}
        return fingerprint.of_text(
            fingerprint.of_tree(self.directory),
            *self.arguments(),
            *(["test"] if self.test else []),
            *(f"{name}={text}" for name, text in sorted(files.items())),
        )

    def version(self, module: str) -> str:
        """The version of a module that this build requires, such as ``v1.36.3``."""
        found = re.search(
            rf"^\s*(?:require\s+)?{re.escape(module)}\s+(v\S+)",
            (self.directory / "go.mod").read_text(),
            re.MULTILINE,
        )
        if not found:
            raise OrchlabError(f"{self.directory / 'go.mod'} does not require {module}")
        return found[1]

    def arguments(self) -> list[str]:
        """What follows ``go build -o DIRECTORY``."""
        settings = [f"-X={name}={value}" for name, value in self.variables.items()]
        tags = [f"-tags={','.join(self.tags)}"] if self.tags else []
        return [*FLAGS, f"-ldflags={' '.join(['-s', '-w', *settings])}", *tags, *self.packages]


def place(spec: GoBuild, arch: str = "") -> Path:
    """Where ``build`` keeps these programs, whether they exist yet or not."""
    return cache_dir() / "go" / f"{spec.directory.name}-{arch or 'host'}-{spec.fingerprint()}"


def build(spec: GoBuild, arch: str = "") -> Path:
    """Compile and return the directory that holds the programs.

    ``arch`` is a Linux architecture as Go names it; without it the programs are
    for this host. Programs that are already there are not built again, and an
    interrupted build leaves none behind. Raises ``CommandFailed``, or
    ``HostUnfit`` if there is no Go and none can be installed.
    """
    target = place(spec, arch)
    if target.exists():
        return target
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as scratch:
        partial = Path(scratch) / "bin"
        with (
            console.step(f"compile {spec.directory.name}") as detail,
            _modfile(spec, Path(scratch)) as extra,
        ):
            verb, mode = ("test", ["-c"]) if spec.test else ("build", [])
            argv: list[str | Path] = [go(), verb, "-C", spec.directory, *mode, "-v", *extra]
            argv += [f"-o={partial}/", *spec.arguments()]
            shell.run(argv, env=environment(arch), on_line=detail)
        if not target.exists():
            partial.rename(target)
    return target


def source(directory: Path, module: str) -> Path:
    """The unpacked source of a module that ``directory/go.mod`` requires.

    It is checked against ``go.sum`` and must not be changed.
    """
    argv: list[str | Path] = [go(), "mod", "download", "-json", module]
    answer = shell.run(argv, cwd=directory, env=environment(), echo=False)
    return Path(str(json.loads(answer)["Dir"]))


@contextmanager
def _modfile(spec: GoBuild, scratch: Path) -> Iterator[list[str]]:
    """Flags that put a patched copy of a module in place of the original."""
    if spec.patch is None:
        yield []
        return
    copy = scratch / "module"
    shutil.copytree(source(spec.directory, spec.patch.module), copy, copy_function=shutil.copyfile)
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for name, text in spec.patch.files.items():
        (copy / name).unlink(missing_ok=True)
        if text is not None:
            (copy / name).write_text(text)
    for name in ("go.mod", "go.sum"):
        shutil.copy(spec.directory / name, scratch / name)
    modfile = scratch / "go.mod"
    edit: list[str | Path] = [go(), "mod", "edit", f"-replace={spec.patch.module}={copy}"]
    shell.run([*edit, modfile], echo=False)
    yield [f"-modfile={modfile}"]
