from __future__ import annotations

from typing import Any

import pytest

from orchlab.paths import STACKS
from orchlab.platforms.compose import facts as read


def inspected(**config: object) -> dict[str, Any]:
    """The part of an ``inspect`` answer that is read."""
    return {"Config": config, "HostConfig": {"RestartPolicy": {"Name": ""}}}


@pytest.mark.parametrize(
    ("output", "port"),
    [
        ("driver failed: Bind for 127.0.0.1:8080 failed: port is already allocated", "8080"),
        ("Error starting proxy: listen tcp4 127.0.0.1:80: bind: address already in use", "80"),
        ("external connectivity on endpoint web-1: all ports are allocated", "8080-8082"),
        ("container comp-web-1 exited (2)", ""),
    ],
)
def test_a_taken_port_is_recognized(output: str, port: str) -> None:
    """The engine names the port, or none of a block; other failures are none of it."""
    assert read.taken_port(output, "8080-8082") == port


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("Redis server v=8.0.2 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "8.0.2"),
        ("HAProxy version 3.0.11-1+deb13u1 2025/07/21", "3.0.11"),
        ("no idea", "unknown"),
    ],
)
def test_version_is_the_first_number(output: str, version: str) -> None:
    """Programs say their version in many ways; what cannot be read is not invented."""
    assert read.first_version(output) == version


def test_unset_knobs_are_marked_as_defaults() -> None:
    """A container that sets nothing shows the engine's values as such."""
    assert read.restart_policy(inspected()) == "no (default)"
    assert read.stop_grace(inspected()) == "10 s (default)"
    assert read.health_check(inspected()) == "none (default)"
    health = read.health_check(inspected(Healthcheck={"Test": ["CMD", "true"]}))
    assert health == "interval 30 s (default), time-out 30 s (default), retries 3 (default)"


def test_set_knobs_are_shown_in_seconds() -> None:
    """The engine speaks in nanoseconds, the reader in seconds."""
    check = {"Test": ["CMD"], "Interval": 2e9, "Timeout": 5e8, "Retries": 2, "StartInterval": 5e8}
    health = read.health_check(inspected(Healthcheck=check))
    assert health == "interval 2 s, time-out 0.5 s, retries 2; every 0.5 s while starting"
    assert read.stop_grace(inspected(StopTimeout=20)) == "20 s"


def test_a_disabled_health_check_is_none() -> None:
    """``disable: true`` leaves a test named NONE behind."""
    assert read.health_check(inspected(Healthcheck={"Test": ["NONE"]})) == "none (default)"


def test_timers_without_a_command_check_nothing() -> None:
    """A stack file sets them for whatever check the image has, which may have none."""
    assert read.health_check(inspected(Healthcheck={"Interval": 5})) == "none (default)"


def test_limits_are_shown_in_readable_units() -> None:
    """What is not limited is not shown."""
    host = {"NanoCpus": 5e8, "Memory": 256 * 1024 * 1024, "PidsLimit": None}
    assert read.limits({"HostConfig": host}) == "cpus 0.5, MiB 256"
    assert read.limits({"HostConfig": {}}) == "none (default)"


@pytest.mark.parametrize("variant", ["defaults", "hardened"])
def test_every_variant_says_what_is_in_force(variant: str) -> None:
    """How it is updated, and whether an edge checks the replicas."""
    shown = read.knobs(inspected(), "default-server check inter 1s\n", variant)
    assert shown["variant"] == variant
    assert shown["edge check"] == {"defaults": "no edge", "hardened": "inter 1s"}[variant]
    assert shown["update"] == read.UPDATES[variant]
    assert read.DATA_PATHS[variant]


def test_the_edge_check_is_read_from_the_edge_file() -> None:
    """The timers shown are those of the file that is deployed."""
    shown = read.edge_check((STACKS / "edge" / "haproxy.cfg").read_text())
    assert shown == "inter 500ms, fastinter 200ms, fall 2, rise 1"
    assert read.edge_check("backend web\n    server a a:1\n") == "none"


def test_fsync_policy_is_the_value_of_the_answer() -> None:
    """Redis answers name and value on two lines."""
    assert read.append_fsync("appendfsync\neverysec\n") == "everysec"
    assert read.append_fsync("") == "unknown"
