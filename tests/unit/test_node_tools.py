from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from orchlab.errors import HostUnfit
from orchlab.images.gobuild import GoBuild
from orchlab.images.node import tools


class Container:
    """A container's files: path -> content, or path -> ``-> target`` for a link."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.removed = False

    def get_archive(self, path: str) -> tuple[list[bytes], dict[str, object]]:
        """Answer as the engine does: a tar of the path itself, links not followed."""
        content = self.files[path]
        member = tarfile.TarInfo(Path(path).name)
        if content.startswith("-> "):
            member.type, member.linkname = tarfile.SYMTYPE, content[3:]
            content = ""
        member.size = len(content)
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as tar:
            tar.addfile(member, io.BytesIO(content.encode()))
        return [sink.getvalue()], {}

    def remove(self, *, v: bool) -> None:
        """Note that the container is gone."""
        self.removed = v


class Client:
    """An engine with one image; it plays client, images and containers in one."""

    id = "sha256:0123456789abcdef"

    def __init__(self, files: dict[str, str]) -> None:
        self.images = self.containers = self
        self.made: list[Container] = []
        self.files = files

    def get(self, _: str) -> Client:
        """Return the image."""
        return self

    def create(self, _: str, **__: object) -> Container:
        """Make a container of it."""
        self.made.append(Container(self.files))
        return self.made[-1]


def engine(monkeypatch: pytest.MonkeyPatch, cache: Path, files: dict[str, str]) -> Client:
    """Let the tools see an engine whose one image holds ``files``."""
    client = Client(files)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr(tools.docker, "from_env", lambda: client)
    monkeypatch.setattr(tools.platform, "system", lambda: "Linux")
    return client


@pytest.mark.parametrize(
    "files",
    [
        {"/usr/bin/kubectl": "program"},
        {"/usr/bin/kubectl": "-> kubernetes", "/usr/bin/kubernetes": "program"},
        {"/usr/bin/kubectl": "-> /opt/kubectl", "/opt/kubectl": "program"},
    ],
)
def test_kubectl_comes_out_of_the_node_image(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program or a link to one: the result is executable and called kubectl."""
    client = engine(monkeypatch, tmp_path, files)
    found = tools.kubectl("node:1")
    assert (found.name, found.read_text(), found.stat().st_mode & 0o777) == (
        "kubectl",
        "program",
        0o755,
    )
    assert [container.removed for container in client.made] == [True]
    assert [path.name for path in found.parent.iterdir()] == ["kubectl"]


def test_kubectl_is_taken_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second call for the same image makes no container."""
    client = engine(monkeypatch, tmp_path, {"/usr/bin/kubectl": "program"})
    assert tools.kubectl("node:1") == tools.kubectl("node:1")
    assert len(client.made) == 1


def test_elsewhere_than_linux_kubectl_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node's program does not run on another system, so the host needs its own."""
    monkeypatch.setattr(tools.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(tools.shutil, "which", lambda _: None)
    with pytest.raises(HostUnfit, match="kubectl"):
        tools.kubectl("node:1")


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("kind v0.33.0 go1.26.8 linux/amd64", True),
        ("kind v0.33.2 go1.26.8 linux/amd64", True),
        ("kind v0.3.0 go1.13 linux/amd64", False),
        ("kind v0.34.0 go1.27 linux/amd64", False),
        ("kind version 0.33.0", False),
        ("", False),
    ],
)
def test_only_a_kind_of_the_same_minor_version_will_do(said: str, same: bool) -> None:  # noqa: FBT001 - a table's column
    """Patch releases are as good; other versions and other programs are not."""
    assert tools.same_minor(said, "v0.33.0") is same


def test_a_fitting_kind_in_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled if the user has the right kind."""
    program = tmp_path / "kind"
    program.write_text("#!/bin/sh\necho kind v0.33.0 go1.26.8 linux/amd64\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.kind() == program


def test_otherwise_kind_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken program called kind does not count."""
    (tmp_path / "kind").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "kind").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    built: list[GoBuild] = []

    def build(spec: GoBuild) -> Path:
        built.append(spec)
        return tmp_path / "built"

    monkeypatch.setattr(tools, "build", build)
    assert tools.kind() == tmp_path / "built" / "kind"
    assert built == [tools.programs.KIND]
