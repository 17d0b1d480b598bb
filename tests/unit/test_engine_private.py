"""The private engine's life, with programs that only pretend to be dockerd."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest

from orchlab.engine import apt, leftovers, named, packages, private, process
from orchlab.errors import HostUnfit, OrchlabError, WaitTimeout


@pytest.fixture(autouse=True)
def _own_directories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    private.home().mkdir(parents=True)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A live process that is none of ours."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        yield running
        running.kill()


def _tree(tmp_path: Path, script: str) -> Path:
    daemon = tmp_path / "tree/usr/sbin/dockerd"
    daemon.parent.mkdir(parents=True)
    daemon.write_text(f"#!/bin/sh\n{script}\n")
    daemon.chmod(0o755)
    return tmp_path / "tree"


def test_reused_pid_is_not_our_engine(stranger: subprocess.Popen[bytes]) -> None:
    """A pid file that names somebody else's process is no running engine; stop spares it."""
    private.pid_file().write_text(str(stranger.pid))
    assert private.pid() is None
    assert private.stop() is False
    assert stranger.poll() is None


@pytest.mark.parametrize("in_order", [True, False])
def test_mounts_go_with_the_engine(monkeypatch: pytest.MonkeyPatch, *, in_order: bool) -> None:
    """One that had to be killed may have left containers, which need their network namespaces."""
    sent: list[int] = []
    unmounted: list[Path] = []
    ends = Mock(side_effect=[None] if in_order else [WaitTimeout("it ends", 30), None])
    monkeypatch.setattr(private, "pid", lambda: 7)
    monkeypatch.setattr(private, "_await_end", ends)
    monkeypatch.setattr(process, "send", lambda _, number: sent.append(number))
    monkeypatch.setattr(leftovers, "unmount_below", unmounted.append)
    assert private.stop() is True
    killed = [] if in_order else [signal.SIGKILL]
    assert sent == [signal.SIGTERM, *killed]
    homes = [private.home()] if in_order else []
    assert unmounted == [*homes, private.data_root()]


@pytest.mark.parametrize("content", ["", "no number", "999999999"])
def test_broken_pid_file_means_not_running(content: str) -> None:
    """An empty, garbled or dead pid is no running engine."""
    private.pid_file().write_text(content)
    assert private.pid() is None
    assert private.stop() is False


def test_own_process_is_recognised(tmp_path: Path) -> None:
    """Program name and marker argument together identify it."""
    code = "print(flush=True); input()"
    with subprocess.Popen(
        ["containerd", "-c", code, "ours"],
        executable=sys.executable,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout
        running.stdout.readline()  # a process has no command line while it is being executed
        pid_file = tmp_path / "pid"
        pid_file.write_text(str(running.pid))
        assert process.owned(pid_file, "containerd", "ours") == running.pid
        assert process.owned(pid_file, "containerd", "theirs") is None
        assert process.owned(pid_file, "dockerd", "ours") is None
        process.send(running.pid, signal.SIGKILL)
    process.send(running.pid, signal.SIGTERM)


def test_start_clears_a_dead_engines_files(stranger: subprocess.Popen[bytes]) -> None:
    """Stale pid and socket go; the state by which old containers are found stays."""
    home = private.home()
    state = home / "exec/containerd"
    state.mkdir(parents=True)
    for name in ("docker.pid", "docker.sock", "exec/containerd/containerd.pid"):
        (home / name).write_text(str(stranger.pid))
    (state / "task").touch()
    leftovers.mark(home)
    leftovers.clear(home)
    assert sorted(each.name for each in home.rglob("*") if each.is_file()) == ["life", "task"]
    assert stranger.poll() is None


def test_reboot_clears_the_state_of_containers() -> None:
    """After a reboot no container lives, so their run-time state goes."""
    home = private.home()
    (home / "exec/containerd").mkdir(parents=True)
    (home / "life").write_text("an earlier boot")
    leftovers.clear(home)
    assert not (home / "exec").exists()


def test_mount_points_with_spaces_are_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The kernel writes a space in a path as an octal escape."""
    table = tmp_path / "mountinfo"
    table.write_text(
        "1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / /a\\040b/exec/netns/x rw - nsfs nsfs rw\n"
    )
    monkeypatch.setattr(leftovers, "MOUNTS", table)
    assert leftovers.mounts_below(Path("/a b/exec")) == [Path("/a b/exec/netns/x")]
    assert leftovers.mounts_below(Path("/a b/ex")) == []


def test_daemon_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    """The last lines of the log say why it did not start."""
    daemon = private._launch(_tree(tmp_path, "echo no such driver; exit 3"))  # noqa: SLF001 - core
    with pytest.raises(OrchlabError, match=r"(?s)exit status 3.*no such driver"):
        private._await_answer(daemon)  # noqa: SLF001 - core


def test_daemon_gets_its_own_directories_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every path on its command line is ours, and no client's variable is inherited.

    Nor is a temporary directory, which ends with whoever starts the engine: a lesson's does.
    """
    monkeypatch.setenv("DOCKER_HOST", "unix:///somebody/elses.sock")
    monkeypatch.setenv("TMPDIR", "/a/lesson/s")
    said = 'echo "$@" host=$DOCKER_HOST$TMPDIR'
    daemon = private._launch(_tree(tmp_path, said))  # noqa: SLF001 - core
    daemon.wait()
    words = private.log_file().read_text().split()
    named_paths = [word.partition("=")[2] for word in words if word.startswith("--")]
    assert all(str(tmp_path) in path for path in named_paths if "/" in path)
    assert words[-1] == "host="
    assert f"--host={private.url()}" in words


def test_too_long_a_path_for_sockets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's limit is told before anything is fetched."""
    monkeypatch.setattr(packages, "provide", lambda: pytest.fail("fetched"))
    monkeypatch.setattr(private, "SOCKET_PATH_LIMIT", 10)
    with pytest.raises(HostUnfit, match="too long"):
        private.start()


def test_client_finds_plugins_of_the_prefix(tmp_path: Path) -> None:
    """Compose and buildx are linked anew each time, also over a dangling link."""
    plugins = tmp_path / "tree/usr/libexec/docker/cli-plugins"
    plugins.mkdir(parents=True)
    for name in packages.PLUGINS:
        (plugins / name).touch()
    for _ in range(2):
        private.write_client_config(tmp_path / "tree")
    linked = private.home() / "client/cli-plugins"
    assert {each.name for each in linked.iterdir()} == set(packages.PLUGINS)
    assert all(each.resolve().parent == plugins for each in linked.iterdir())


def test_two_commands_may_write_the_client_configuration_at_once(tmp_path: Path) -> None:
    """Neither takes away what the other is about to put into place."""
    plugins = tmp_path / "tree/usr/libexec/docker/cli-plugins"
    plugins.mkdir(parents=True)
    for name in packages.PLUGINS:
        (plugins / name).touch()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(private.write_client_config, [tmp_path / "tree"] * 100))


def test_environment_is_the_same_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Using the engine twice does not grow PATH."""
    first = private.client_environment()
    monkeypatch.setenv("PATH", first["PATH"])
    assert private.client_environment() == first


def test_unfinished_prefix_is_fetched_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an interrupted fetch left is replaced; a finished prefix is used as it is."""
    monkeypatch.setattr(apt, "distribution", lambda: apt.Distribution("debian", "bookworm"))
    partial = packages.root() / "trixie.partial"
    (partial / "half").mkdir(parents=True)
    fetched: list[Path] = []

    def fetch() -> list[Path]:
        (packages.root() / "apt").mkdir(exist_ok=True)
        return []

    def unpack(_: list[Path], tree: Path) -> None:
        fetched.append(tree)
        for name in packages.PROGRAMS:
            path = tree / "usr/bin" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o755)
        for name in packages.PLUGINS:
            path = tree / "usr/libexec/docker/cli-plugins" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    monkeypatch.setattr(packages, "_fetch", fetch)
    monkeypatch.setattr(packages, "unpack", unpack)
    ready = packages.provide()
    assert packages.provide() == ready
    assert fetched == [partial]
    assert not (ready / "half").exists()


def test_missing_package_without_root_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint is what an administrator would type."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HostUnfit) as caught:
        packages.install({"no-such-program": "its-package", "sh": "dash"})
    assert caught.value.hint == "as root: apt-get update && apt-get install its-package"


def test_named_engine_beats_context_and_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_HOST alone is tried when it is set."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///named.sock")
    assert named.candidates() == ["unix:///named.sock"]


def test_current_context_is_tried_before_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the docker command would; a remote context is passed over."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(named, "context_address", lambda: "unix:///desktop.sock")
    assert named.candidates() == ["unix:///desktop.sock", "unix:///var/run/docker.sock"]


def test_dead_socket_does_not_answer(tmp_path: Path) -> None:
    """A socket file without a listener is no engine."""
    assert not named.answers(f"unix://{tmp_path}/docker.sock")
