"""A Docker engine of our own, where the host has none: start, find, stop.

It shares nothing with another engine: own data root, exec root, socket, pid file,
daemon configuration, client configuration and log.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab import console, paths
from orchlab.engine import leftovers, named, packages, process
from orchlab.errors import HostUnfit, OrchlabError, WaitTimeout
from orchlab.wait import wait_until

START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
LOG_TAIL = 10
SOCKET_PATH_LIMIT = 107
"""Longest path of a Unix socket, in bytes (``sockaddr_un`` less the closing zero)."""


def home() -> Path:
    """Directory of the engine's socket, pid file, exec root, configuration and log."""
    return paths.state_dir() / "engine"


def data_root() -> Path:
    """Directory of its images, containers and volumes."""
    return paths.data_dir() / "docker"


def socket() -> Path:
    """Its API socket."""
    return home() / "docker.sock"


def pid_file() -> Path:
    """Holds the pid of its dockerd."""
    return home() / "docker.pid"


def log_file() -> Path:
    """What dockerd and containerd print."""
    return home() / "dockerd.log"


def url() -> str:
    """Its address, as ``DOCKER_HOST`` takes it."""
    return f"unix://{socket()}"


def client_environment() -> dict[str, str]:
    """Variables that make any Docker client of this process use this engine."""
    search = os.environ.get("PATH", packages.SYSTEM_PATH).split(os.pathsep)
    first = str(packages.bin_dirs(packages.prefix())[0])
    return {
        "DOCKER_HOST": url(),
        "DOCKER_CONFIG": str(home() / "client"),
        "PATH": os.pathsep.join([first, *(each for each in search if each != first)]),
    }


def pid() -> int | None:
    """The pid of our dockerd; None when it does not run."""
    return process.owned(pid_file(), "dockerd", f"--pidfile={pid_file()}")


def running() -> bool:
    """Whether our engine runs and answers; looks only."""
    return pid() is not None and named.answers(url())


@contextmanager
def _locked() -> Iterator[None]:
    """One start or stop at a time."""
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    with paths.alone(home(), "is starting or stopping the engine"):
        yield


def start() -> None:
    """Provide and start the engine; returns when it answers. Idempotent.

    Raises ``HostUnfit`` when a part is missing and cannot be installed, and
    ``OrchlabError`` with the log's end when dockerd does not come up.
    """
    with _locked():
        if running():
            return
        _require_short_paths()
        tree = packages.provide()
        packages.install(packages.HOST_PACKAGES)
        write_client_config(tree)
        with console.step("start the private Docker engine"):
            daemon = None
            if pid() is None:
                leftovers.clear(home())
                daemon = _launch(tree)
            _await_answer(daemon)


def write_client_config(tree: Path) -> None:
    """A Docker client configuration with compose and buildx as plugins of this prefix."""
    found = packages.plugin_dir(tree)
    plugins = home() / "client" / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    with paths.alone(plugins):
        for name in packages.PLUGINS:
            fresh = plugins / f"{name}.new"
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(found / name)
            fresh.replace(plugins / name)


def _require_short_paths() -> None:
    longest = home() / "exec/containerd/containerd-debug.sock"
    if len(os.fsencode(longest)) > SOCKET_PATH_LIMIT:
        raise HostUnfit(
            f"{home()} is too long a path for Unix sockets",
            "set XDG_STATE_HOME to a shorter directory",
        )


def _launch(tree: Path) -> subprocess.Popen[bytes]:
    data_root().mkdir(mode=0o710, parents=True, exist_ok=True)
    settings = home() / "daemon.json"
    settings.write_text(json.dumps({"init-path": shutil.which("tini-static")}), encoding="utf-8")
    argv = [
        str(tree / "usr/sbin/dockerd"),
        f"--config-file={settings}",
        f"--host={url()}",
        f"--data-root={data_root()}",
        f"--exec-root={home() / 'exec'}",
        f"--pidfile={pid_file()}",
        "--group=root",
    ]
    console.echo(argv)
    search = os.pathsep.join([*map(str, packages.bin_dirs(tree)), packages.SYSTEM_PATH])
    ours = {"PATH": search}
    leftovers.mark(home())
    with log_file().open("ab") as log:
        return process.spawn_detached(argv, _inherited() | ours, log)


def _inherited() -> dict[str, str]:
    """This process' environment without what is a client's, or its own for a while only.

    Whoever starts the engine ends before it, and a temporary directory often ends with them.
    """
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("DOCKER_") and key != "TMPDIR"
    }


def _await_answer(daemon: subprocess.Popen[bytes] | None) -> None:
    def up() -> bool:
        if daemon is not None and daemon.poll() is not None and pid() is None:
            raise OrchlabError(
                f"dockerd ended at once with exit status {daemon.returncode}\n{log_tail()}",
                f"the whole log is {log_file()}",
            )
        return named.answers(url())

    try:
        wait_until("the private Docker engine answers", up, timeout=START_TIMEOUT)
    except WaitTimeout as error:
        raise OrchlabError(
            f"{error.message}\n{log_tail()}", f"the whole log is {log_file()}"
        ) from error


def log_tail(count: int = LOG_TAIL) -> str:
    """The last lines of dockerd's log that are no mere information, indented."""
    if not log_file().exists():
        return ""
    text = log_file().read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if " level=info " not in line]
    return "\n".join(f"    {line}" for line in lines[-count:])


def stop() -> bool:
    """Stop our dockerd, and with it its containers; False if it did not run.

    Images, volumes and stopped containers stay. A daemon that does not end
    within ``STOP_TIMEOUT`` seconds is killed.
    """
    with _locked():
        daemon = pid()
        if daemon is None:
            return False
        with console.step("stop the private Docker engine"):
            process.send(daemon, signal.SIGTERM)
            try:
                _await_end()
            except WaitTimeout:
                process.send(daemon, signal.SIGKILL)
                _await_end()
            else:  # no container has outlived it, so nobody needs their network namespaces
                leftovers.unmount_below(home())
            leftovers.unmount_below(data_root())
    return True


def _await_end() -> None:
    wait_until("the private Docker engine ends", lambda: pid() is None, timeout=STOP_TIMEOUT)
