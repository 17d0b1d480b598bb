"""Questions that are asked inside a container of the app's image, and their answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

Run = Callable[..., str]
"""Runs a command inside and returns its stdout; raises ``CommandFailed``."""

PONG = "+PONG"
RESOLVE = """
import json, socket, sys
def addresses(name):
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({each[4][0] for each in found})
print(json.dumps({name: addresses(name) for name in sys.argv[1:]}))
"""
ASK = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 2) as peer:
        peer.sendall(sys.argv[3].encode() + b"\\r\\n\\r\\n")
        print(peer.recv(64).decode(errors="replace").partition("\\r\\n")[0])
except OSError as error:
    print(type(error).__name__)
"""


def resolve(run: Run, names: Iterable[str]) -> dict[str, list[str]]:
    """The IPv4 addresses of each name; none where a name is unknown."""
    return dict(json.loads(run("python3", "-c", RESOLVE, *names)))


def ping(run: Run, host: str, port: int) -> str:
    """Redis' answer to a PING (``PONG``), or the name of the error that came instead.

    An open connection alone would not do: a gateway on the way may take it.
    """
    return run("python3", "-c", ASK, host, str(port), "PING").strip()


def get(run: Run, host: str, port: int) -> str:
    """The status line of a GET of /whoami, or the name of the error that came instead."""
    return run("python3", "-c", ASK, host, str(port), "GET /whoami HTTP/1.0").strip()
