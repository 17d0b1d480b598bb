"""Tasks as a user types them, each in a process of its own, in a lab beside the tests'."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import docker

from orchlab import labels, paths

LAB = f"{labels.LAB}-compare"
ENVIRONMENT = os.environ | {"ORCHLAB_LAB": LAB, "COLUMNS": "200"}
IMPATIENCE_SECONDS = 0.3
INTERRUPTED = (130, -signal.SIGINT)
"""A second Ctrl-C may meet a task that has just ended; a shell calls both 130."""


def invoke(*words: str, status: int = 0, **environment: str) -> str:
    """Run a task; return its output, stdout then stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=paths.ROOT,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def interrupt(*words: str, when: re.Pattern[bytes], times: int = 1, **environment: str) -> None:
    """Run a task until it says that, then press Ctrl-C: all that it has started hears it, too."""
    with subprocess.Popen(
        [sys.executable, "-m", "invoke", *words],
        cwd=paths.ROOT,
        env=ENVIRONMENT | environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        said = b""
        while not when.search(said) and (more := os.read(process.stdout.fileno(), 4096)):
            said += more
        for _ in range(times):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(IMPATIENCE_SECONDS)
        rest, _ = process.communicate()
    assert process.returncode in INTERRUPTED, (said + rest).decode()


def leftovers(lab: str = LAB) -> list[str]:
    """Whatever in the engine carries a lab's label."""
    client = docker.from_env()
    mark = {"label": f"orchlab.lab={lab}"}
    found = [
        *client.containers.list(all=True, filters=mark),
        *client.networks.list(filters=mark),
        *client.volumes.list(filters=mark),
    ]
    return [str(each.name) for each in found]
