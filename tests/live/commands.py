"""Tasks as a user types them, each in a process of its own, in a lab beside the tests'."""

from __future__ import annotations

import os
import subprocess
import sys

import docker

from orchlab import labels, paths

LAB = f"{labels.LAB}-compare"
ENVIRONMENT = os.environ | {"ORCHLAB_LAB": LAB, "COLUMNS": "200"}


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
