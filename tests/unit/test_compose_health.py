"""What is said of containers: their health, and the tables of the status."""

from __future__ import annotations

from typing import Any

import pytest

from orchlab.platforms.compose.health import last_check, serves, trouble
from orchlab.platforms.compose.status import tables


def inspected(status: str = "running", health: object = None, **more: object) -> dict[str, Any]:
    """An ``inspect`` answer; ``more`` goes into its state."""
    state = {"Status": status, "ExitCode": 0, "StartedAt": "2026-01-02T03:04:05.6Z", **more}
    ports = {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "9/tcp": None}
    marks = {"com.docker.compose.service": "web", "orchlab.variant": "hardened"}
    return {
        "Name": "/lab-web-1",
        "Config": {"Image": "app:1", "Labels": marks},
        "State": state if health is None else {**state, "Health": health},
        "RestartCount": 0,
        "NetworkSettings": {"Ports": ports},
    }


def checked(status: str, code: int = 0, output: str = "") -> dict[str, Any]:
    """The health part of a state, after one check."""
    return {"Status": status, "Log": [{"ExitCode": code, "Output": output}]}


@pytest.mark.parametrize(
    ("container", "ready"),
    [
        (inspected(health=checked("healthy")), True),
        (inspected(health=checked("starting")), False),
        (inspected(health=checked("unhealthy")), False),
        (inspected(), True),
        (inspected("restarting", checked("healthy")), False),
        (inspected("exited"), False),
    ],
)
def test_ready_is_running_and_not_known_to_be_ill(
    container: dict[str, Any], *, ready: bool
) -> None:
    """Health decides where it is checked; else running is all that the engine knows."""
    assert serves(container) is ready


@pytest.mark.parametrize("container", [inspected(), inspected(health=checked("starting", 1))])
def test_a_container_may_still_come_to_serve(container: dict[str, Any]) -> None:
    """A failed check while starting is no verdict."""
    assert trouble(container) == ""


def test_the_end_of_a_process_is_trouble_with_its_status() -> None:
    """Whether or not the engine starts it again."""
    assert trouble(inspected("restarting", ExitCode=3)) == "its process ended with exit status 3"
    again = inspected() | {"RestartCount": 1}
    assert trouble(again) == "its process ended"
    assert "memory" in trouble(inspected("exited", ExitCode=137, OOMKilled=True))


def test_an_unhealthy_container_says_what_its_check_said() -> None:
    """On one line, and not at any length."""
    ill = inspected(health=checked("unhealthy", 1, f"refused\n{'x' * 1000}"))
    assert "exit status 1: refused xxx" in trouble(ill)
    assert len(trouble(ill)) < 400
    assert last_check(inspected()) == ""


def test_the_status_shows_what_runs_and_what_is_kept() -> None:
    """Image, state, restarts, start, ports; and the volumes."""
    volume = {"Name": "lab_data", "CreatedAt": "2026-01-01T00:00:00Z", "Driver": "local"}
    containers, volumes = tables([inspected(health=checked("healthy"))], [volume])
    assert containers.title == "compose: hardened"
    assert containers.rows == (
        (
            "lab-web-1",
            "app:1",
            "running, healthy",
            "0",
            "2026-01-02 03:04:05",
            "127.0.0.1:8080 -> 8000",
        ),
    )
    assert volumes.rows == (("lab_data", "2026-01-01 00:00:00", "local"),)


def test_the_status_explains_what_does_not_serve() -> None:
    """With the exit status and the last health check."""
    ill = inspected("restarting", checked("unhealthy", 1, "refused"), ExitCode=3)
    *_, reasons = tables([ill], [])
    assert reasons.rows == (("lab-web-1", "3", "exit status 1: refused"),)


def test_the_status_of_nothing_says_so() -> None:
    """Volumes may be left of a stack that is down."""
    containers, _ = tables([], [])
    assert "nothing is up" in containers.title
