"""Commands, and questions to the Docker engine that have to be cheap.

A start of ``docker`` costs this machine about half a second, a request a few milliseconds.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

SOCKET = "/run/docker.sock"


class EngineConnection(HTTPConnection):
    """HTTP over the engine's socket."""

    def connect(self) -> None:
        """Reach the socket instead of an address."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(SOCKET)


def get(path: str, **filters: str) -> Any:  # noqa: ANN401 - whatever JSON the API answers
    """Ask the API. Raises ``OSError`` while it does not listen, ``ValueError`` for no JSON."""
    chosen = json.dumps({key.replace("_", "-"): [value] for key, value in filters.items()})
    query = urlencode({"status": "true", "filters": chosen})
    connection = EngineConnection("engine")
    try:
        connection.request("GET", f"{path}?{query}")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def run(*argv: str) -> str:
    """Run a command; its errors go to the console. Raises ``CalledProcessError``."""
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def until(what: str, check: Callable[[], bool], seconds: float) -> None:
    """Return when ``check`` holds; what does not answer yet counts as no.

    Raises ``TimeoutError``.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if check():
                return
        except (OSError, HTTPException):
            pass
        time.sleep(0.2)
    raise TimeoutError(f"{what}: not within {seconds:g} s")
