"""The app as somebody edits it: a copy of ``app/``, served by its reload supervisor."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from orchlab.paths import APP
from orchlab.wait import wait_until

COMMAND = [sys.executable, "-m", "app.dev"]


def environment(data: Path, **settings: str) -> dict[str, str]:
    here = {"REDIS_URL": "redis://127.0.0.1:1/0", "DATA_DIR": str(data)}
    return os.environ | {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"} | here | settings


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A copy of the app's code that a test may edit."""
    target = tmp_path / "app"
    shutil.copytree(APP, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


@pytest.fixture
def url(code: Path, tmp_path: Path) -> Iterator[str]:
    """Where the copy answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            COMMAND,
            cwd=code.parent,
            env=environment(tmp_path, PORT=port),
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until("the app answers", lambda: served(address), timeout=60)
            yield address
        finally:
            process.terminate()  # it takes its server process along


def served(url: str) -> str:
    """What the index says; empty when nobody answers."""
    with suppress(requests.RequestException):
        return requests.get(url, timeout=5).text
    return ""


def test_an_edit_is_served_and_a_broken_one_only_until_the_next(url: str, code: Path) -> None:
    """An edited line is served without a restart by hand, also after a line that cannot run."""
    main = code / "main.py"
    original = main.read_text()
    main.write_text(f"{original}\nraise RuntimeError\n")
    wait_until("the broken app is down", lambda: not served(url), timeout=60)
    main.write_text(original.replace("title=settings.app_name", 'title="edited"'))
    wait_until("the edit is served", lambda: "edited" in served(f"{url}/openapi.json"), timeout=60)


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    """As without reloading: the variable is named, the exit status is 2."""
    done = subprocess.run(
        COMMAND,
        cwd=APP.parent,
        env=environment(tmp_path, PORT="many"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("wrong setting: PORT")
    assert done.stderr.count("\n") == 1
