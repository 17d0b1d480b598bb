"""The commands as a user types them, each in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import docker
import pytest
import requests

from orchlab import engine, paths, results
from orchlab.engine import private
from tests.live.commands import ENVIRONMENT, invoke, leftovers
from tests.schemas import validate

QUICK = ("compare", "--platforms=compose", "--experiments=recreate")


def runs() -> set[Path]:
    """The runs on disk."""
    return set(paths.RESULTS.glob("*/run.json"))


@pytest.mark.usefixtures("lab")
def test_compose_up_can_be_repeated_and_undone() -> None:
    """Up twice is up once; the printed entry point serves; down leaves nothing behind."""
    first, again = invoke("compose-up"), invoke("compose-up")
    urls = [re.findall(r"http://127\.0\.0\.1:\d+", output)[-1] for output in (first, again)]
    assert urls[0] == urls[1]
    assert requests.get(f"{urls[1]}/whoami", timeout=5).status_code == 200
    assert re.search(r"\$ .*docker compose ", again), "commands are echoed"
    invoke("compose-down", "--volumes")
    invoke("compose-down", "--volumes")
    assert leftovers() == []


@pytest.mark.usefixtures("lab")
def test_a_taken_port_is_one_clear_line() -> None:
    """A port that somebody else has is named, with the next step, as wrong usage."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        output = invoke("compose-up", f"--port={port}", status=2)
    errors = [line for line in output.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert str(port) in errors[0]
    assert "next: " in output


def test_unknown_names_are_answered_with_the_valid_ones() -> None:
    """A wrong platform or experiment is exit code 2 and starts nothing."""
    before = runs()
    assert "valid names: compose, swarm, k8s" in invoke("compare", "-p", "nomad", status=2)
    assert "valid names: control, balance" in invoke("compare", "-e", "chaos", status=2)
    assert "valid names: auto, pull, build" in invoke("compare", "-i", "guess", status=2)
    assert runs() == before


@pytest.mark.usefixtures("lab")
def test_doctor_shows_the_machine() -> None:
    """The doctor has a row for everything that the lab depends on."""
    output = invoke("doctor")
    for row in ("engine", "compose", "buildx", "kind", "kubectl", "cgroup", "IPVS", "inotify"):
        assert re.search(rf"\b{row}\b", output, re.IGNORECASE), row


@pytest.mark.usefixtures("lab")
def test_a_comparison_is_kept_and_can_be_judged_again_without_an_engine() -> None:
    """A run leaves raw rows and a page; `report` needs nothing but the files."""
    before = runs()
    output = invoke(*QUICK)
    (made,) = runs() - before
    validate(made.parent)
    page = made.parent / "report.html"
    assert "recreate" in output
    assert "appendfsync" in output, "knobs stand beside the numbers"
    assert leftovers() == []
    page.unlink()
    invoke("report", f"--run={made.parent}", DOCKER_HOST="unix:///nowhere.sock")
    assert "all acknowledged writes were kept" in page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_killed_can_be_repeated(number: signal.Signals) -> None:
    """Killed half-way, the next run starts cleanly and ends as if nothing had been.

    After Ctrl-C the same run can go on, too, and lacks nothing in the end.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "invoke", *QUICK],
        cwd=paths.ROOT,
        env=ENVIRONMENT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        while not leftovers() and process.poll() is None:
            time.sleep(0.1)
        os.killpg(process.pid, number)
        output, _ = process.communicate()
    assert process.returncode == (130 if number is signal.SIGINT else -number), output
    if number is signal.SIGINT:
        assert leftovers() == [], "Ctrl-C tears down what is up"
        assert "invoke compare --resume" in output
    invoke(*(("compare", "--resume") if number is signal.SIGINT else QUICK))
    assert results.load(results.latest(paths.RESULTS)).state == "complete"
    assert leftovers() == []


@pytest.mark.usefixtures("lab")
def test_clean_removes_exactly_what_is_labelled() -> None:
    """Objects of the lab go; a container, network and volume of somebody else stay."""
    client = docker.from_env()
    foreign = client.volumes.create("orchlab-test-foreign", labels={"orchlab.lab": "another"})
    try:
        invoke("compose-up")
        assert leftovers()
        invoke("clean", "--keep-images")
        engine.ensure()
        assert leftovers() == []
        assert client.volumes.get(str(foreign.name))
    finally:
        foreign.remove()


@pytest.mark.usefixtures("lab")
def test_a_killed_engine_is_started_again_with_its_images() -> None:
    """After SIGKILL of a private engine the next command works and rebuilds nothing.

    An engine that is not the lab's own is never stopped.
    """
    invoke("compose-up")
    used = engine.ensure()
    before = {each.id for each in docker.from_env().images.list()}
    if used.kind == "host":
        assert engine.stop() is False
        assert engine.find() == used
        return
    daemon = private.pid()
    assert daemon
    os.kill(daemon, signal.SIGKILL)
    output = invoke("compose-up")
    assert re.search(r"http://127\.0\.0\.1:\d+", output)
    assert "... build" not in output
    engine.ensure()
    assert {each.id for each in docker.from_env().images.list()} == before
