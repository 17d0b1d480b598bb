"""The engine that a docker context names, such as another host's.

The SDK knows no contexts, so a context becomes variables that it and the command
both know. An engine behind ``ssh://`` is reached through a tunnel that the user's
own ``ssh`` holds open for as long as this process lives.
"""

from __future__ import annotations

import atexit
import json
import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchlab import console, paths, shell
from orchlab.engine import named
from orchlab.errors import CommandFailed, HostUnfit, UnknownName
from orchlab.wait import wait_until

REMOTE_SOCKET = "/var/run/docker.sock"
TUNNEL_SECONDS = 30.0
TLS_VARIABLES = ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


def inspect(name: str) -> dict[str, Any]:
    """What ``docker context inspect`` says; raises ``UnknownName``, listing the contexts."""
    argv = ["docker", "context", "inspect", name, "--format", "{{json .}}"]
    try:
        return dict(json.loads(shell.run(argv, echo=False)))
    except CommandFailed as error:
        names = shell.run(["docker", "context", "ls", "--quiet"], echo=False).split()
        raise UnknownName("docker context", name, names) from error


def variables(context: Mapping[str, Any]) -> dict[str, str]:
    """A context's engine as the SDK and the command take it from the environment."""
    endpoint = context["Endpoints"]["docker"]
    found = {"DOCKER_HOST": str(endpoint["Host"])}
    if context["TLSMaterial"] and not endpoint["SkipTLSVerify"]:
        certificates = Path(context["Storage"]["TLSPath"]) / "docker"
        found |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(certificates)}
    return found


def enter(name: str) -> str:
    """Point the process environment at a context's engine; return its address.

    Raises ``UnknownName``, and ``HostUnfit`` when no engine answers there.
    """
    settings = variables(inspect(name))
    address = settings["DOCKER_HOST"]
    console.note(f"$ unset DOCKER_HOST; export DOCKER_CONTEXT={name}")
    for variable in (*TLS_VARIABLES, "DOCKER_CONTEXT"):
        os.environ.pop(variable, None)
    os.environ.update(settings)
    if address.startswith("ssh://"):
        os.environ["DOCKER_HOST"] = tunnel(address)
    if not named.answers(os.environ["DOCKER_HOST"]):
        hint = f"`docker --context {name} version` shows what the command gets"
        raise HostUnfit(f"no Docker engine answers at {address}", hint)
    return address


def tunnel_command(address: str, socket: Path) -> list[str]:
    """The ``ssh`` that carries a local socket to the engine of an ``ssh://`` address."""
    url = urlsplit(address)
    remote = url.path if url.path.strip("/") else REMOTE_SOCKET
    options = ["-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindUnlink=yes"]
    return ["ssh", "-nNT", *options, "-L", f"{socket}:{remote}", f"ssh://{url.netloc}"]


def forward(address: str, name: str, ports: Iterable[str]) -> str:
    """The ``ssh`` that brings ports of another host's 127.0.0.1 here.

    ``address`` is its engine's, ``name`` the host's own, in case that address says nothing.
    """
    destination = f"ssh://{urlsplit(address).netloc}" if address.startswith("ssh://") else name
    flags = [word for port in ports for word in ("-L", f"{port}:127.0.0.1:{port}")]
    return shlex.join(["ssh", "-N", *flags, destination])


def tunnel(address: str) -> str:
    """Open a tunnel to an ``ssh://`` address; return that of its end here.

    It ends with this process. Raises ``HostUnfit`` when it cannot be opened.
    """
    socket = paths.lab_dir() / f"ssh-{os.getpid()}.sock"
    command = tunnel_command(address, socket)
    console.echo(command)
    try:
        ssh = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise HostUnfit(f"there is no ssh to reach {address}", "install an SSH client") from error
    atexit.register(_close, ssh, socket)

    def up() -> bool:
        if ssh.poll() is not None:
            hint = "`ssh` says why; the same command can be tried by hand"
            raise HostUnfit(f"the tunnel to {address} could not be opened", hint)
        return socket.exists()

    wait_until(f"the tunnel to {address} opens", up, timeout=TUNNEL_SECONDS)
    return f"unix://{socket}"


def _close(ssh: subprocess.Popen[bytes], socket: Path) -> None:
    ssh.terminate()
    ssh.wait()
    socket.unlink(missing_ok=True)
