"""Developing on Compose: edits of a copy of ``app/``, by bind mount and by Compose's watch."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
import pytest
import requests

from orchlab import console, labels, paths, sweep
from orchlab.images import hostconfig
from orchlab.images.store import ImageStore
from orchlab.platforms.compose import ports as compose_ports
from orchlab.wait import wait_until

LAB = f"{labels.LAB}-compare"
SECONDS = 120.0
FILES = ("compose.yaml", "compose.watch.yaml")
WATCH = ["docker", "compose", *(f"--file={paths.STACKS / name}" for name in FILES), "watch"]


@pytest.fixture
def code(tmp_path: Path, images: ImageStore) -> Iterator[Path]:
    """A copy of the code that a test may edit; what was brought up with it goes at the end."""
    sweep.sweep(LAB)
    yield shutil.copytree(paths.APP, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    sweep.sweep(LAB)
    sweep.remove_images(LAB)


@contextmanager
def running(argv: list[str], log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that goes on until Ctrl-C, which comes at the latest with the end of the block."""
    environment = os.environ | {"ORCHLAB_LAB": LAB, "NO_COLOR": "1"} | variables
    with (
        log.open("wb") as output,
        subprocess.Popen(
            argv, cwd=paths.ROOT, env=environment, stdout=output, stderr=output
        ) as process,
    ):
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=SECONDS)
            process.kill()


def await_seen(what: str, check: Callable[[], object], log: Path) -> None:
    """Wait for it; else say what the command printed."""
    wait_until(what, check, timeout=SECONDS, pause=0.1, state=lambda: log.read_text()[-2000:])


def title(url: str) -> str:
    """What the app calls itself; empty while it does not answer."""
    with suppress(requests.RequestException):
        return str(requests.get(f"{url}/openapi.json", timeout=5).json()["info"]["title"])
    return ""


def retitle(code: Path, new: str) -> None:
    """Edit one line of the copy."""
    main = code / "main.py"
    line = re.compile(r"title=[^,]+,")
    assert len(line.findall(main.read_text())) == 1
    main.write_text(line.sub(f'title="{new}",', main.read_text()))


def life() -> tuple[str, str]:
    """The app's container and when its process started; empty while there is none."""
    wanted = [f"{labels.KEY}={LAB}", "com.docker.compose.service=web"]
    for found in docker.from_env().containers.list(filters={"label": wanted}):
        return str(found.id), str(found.attrs["State"]["StartedAt"])
    return "", ""


def test_an_edited_line_is_served(code: Path, tmp_path: Path) -> None:
    """Under `invoke compose-dev` an edit is served by the same container; Ctrl-C stops it."""
    log = tmp_path / "log"
    task = [sys.executable, "-m", "invoke", "compose-dev"]
    with running(task, log, APP_SOURCE=str(code)) as process:
        await_seen("an URL", lambda: re.search(r"^http://\S+", log.read_text(), re.MULTILINE), log)
        url = re.findall(r"^http://\S+", log.read_text(), re.MULTILINE)[0]
        await_seen("the app", lambda: title(url), log)
        before, edited = life(), time.monotonic()
        retitle(code, "edited")
        await_seen("the edit", lambda: title(url) == "edited", log)
        console.note(f"edit served after {time.monotonic() - edited:.2f} s")
        assert life() == before
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=SECONDS) == 0, log.read_text()
    assert life() == ("", "")
    assert "Application startup complete" in log.read_text(), "the log was followed"
    volumes = docker.from_env().volumes.list(filters={"label": f"{labels.KEY}={LAB}"})
    assert len(volumes) == 2, "the data stay"


def test_compose_watch_copies_restarts_and_rebuilds(
    code: Path, tmp_path: Path, images: ImageStore
) -> None:
    """Each kind of change does what it must and no more: copy, restart, or a new image."""
    log, port = tmp_path / "log", compose_ports.free_block(1)
    url = f"http://127.0.0.1:{port}"
    variables = {
        "APP_SOURCE": str(code),
        "PYTHON_IMAGE": images.ensure("python").reference,
        "REDIS_IMAGE": images.ensure("redis").reference,
        "PIP_CONF": str(hostconfig.pip_conf()),
        "WEB_PORT": port,
    }
    if bundle := hostconfig.ca_bundle():
        variables["CA_BUNDLE"] = str(bundle)
    with running(WATCH, log, **variables):
        await_seen("watch", lambda: "Watch enabled" in log.read_text() and title(url), log)
        first = life()
        retitle(code, "copied")
        await_seen("the edit", lambda: title(url) == "copied", log)
        assert life() == first
        _append(code / "dev.py", "# an edit\n")
        await_seen("a restart", lambda: life()[0] == first[0] and life() != first, log)
        await_seen("the app again", lambda: title(url) == "copied", log)
        _append(code / "requirements.txt", "# an edit\n")
        await_seen("a new container", lambda: life()[0] not in ("", first[0]), log)
        await_seen("the app anew", lambda: title(url) == "copied", log)


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line)
