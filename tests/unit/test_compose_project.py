from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml

from orchlab import shell
from orchlab.errors import CommandFailed, OrchlabError, UnknownName, UsageError
from orchlab.images.store import Image, ImageStore
from orchlab.paths import STACKS
from orchlab.platforms import processes
from orchlab.platforms.base import Platform, Release, ReplicaFaults, StoreFaults
from orchlab.platforms.compose import FILE, Compose
from orchlab.platforms.compose_project import Project, incarnation, serves


def inspected(status: str = "running", started: str = "10:00", **state: object) -> dict[str, Any]:
    """The part of an ``inspect`` answer that tells one life of a container."""
    return {"Id": "0123456789abcdef", "State": {"Status": status, "StartedAt": started, **state}}


def test_compose_has_the_capabilities_that_it_claims() -> None:
    """The runner asks by protocol, so the adapter must answer to each."""
    adapter = Compose(ImageStore())
    for protocol in (Platform, ReplicaFaults, StoreFaults):
        assert isinstance(adapter, protocol)


def test_an_unknown_variant_is_refused_before_anything_runs() -> None:
    """The valid variants are listed."""
    with pytest.raises(UnknownName, match="variant"):
        Compose(ImageStore()).deploy(Release(Image("app:1", "sha256:0"), variant="nope"))


def test_a_restart_is_a_new_incarnation() -> None:
    """The same container after a restart has another identity."""
    assert incarnation(inspected(started="10:00")) != incarnation(inspected(started="10:01"))


@pytest.mark.parametrize(
    ("container", "ready"),
    [
        (inspected(Health={"Status": "healthy"}), True),
        (inspected(Health={"Status": "starting"}), False),
        (inspected(Health={"Status": "unhealthy"}), False),
        (inspected(), True),
        (inspected(Health=None), True),
        (inspected("restarting", Health={"Status": "healthy"}), False),
        (inspected("exited"), False),
    ],
)
def test_ready_is_running_and_not_known_to_be_ill(
    container: dict[str, Any], *, ready: bool
) -> None:
    """Health decides where it is checked; else running is all that the engine knows."""
    assert serves(container) is ready


def failing(output: str) -> Mock:
    """A gateway through which every command fails with that output."""
    return Mock(side_effect=CommandFailed(["docker"], 1, output))


def test_a_taken_port_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user reads which port it is and what to do, not the engine's stack of causes."""
    taken = "Bind for 127.0.0.1:8080 failed: port is already allocated"
    monkeypatch.setattr(shell, "run", failing(taken))
    with pytest.raises(UsageError, match="port 8080 on "):
        Project().compose(FILE, "up")


def test_other_failures_say_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that does not start has said why in its log."""
    monkeypatch.setattr(shell, "run", failing("container comp-web-1 exited (2)"))
    with pytest.raises(CommandFailed) as caught:
        Project().compose(FILE, "up")
    assert "logs" in caught.value.hint


def test_every_variable_of_the_stack_has_a_default() -> None:
    """The file can be applied by hand with nothing set."""
    text = (STACKS / "compose.yaml").read_text()
    assert text.count("${") == text.count(":-")


def test_all_that_the_stack_makes_carries_the_labels() -> None:
    """What has no label would not be found again."""
    stack = yaml.safe_load((STACKS / "compose.yaml").read_text())
    for kind in ("services", "networks", "volumes"):
        for name, each in stack[kind].items():
            assert {"orchlab.lab", "orchlab.platform"} <= each["labels"].keys(), name


def test_the_edge_has_no_network_in_common_with_redis() -> None:
    """Only the app stands between the two."""
    services = yaml.safe_load((STACKS / "compose.yaml").read_text())["services"]
    assert not set(services["edge"]["networks"]) & set(services["redis"]["networks"])


def container(pid: int) -> Mock:
    """A container as the engine reports it."""
    return Mock(id="0123456789abcdef", attrs={"State": {"Pid": pid}, "Image": "sha256:0"})


@pytest.mark.parametrize(
    "path",
    ["0::/system.slice/docker-0123456789abcdef.scope", "4:memory:/docker/0123456789abcdef"],
)
def test_a_process_belongs_where_its_control_group_says(path: str, tmp_path: Path) -> None:
    """Both versions of control groups, and both drivers, name the container."""
    (tmp_path / "42").mkdir()
    (tmp_path / "42" / "cgroup").write_text(f"{path}\n")
    assert processes.belongs(42, "0123456789abcdef", tmp_path)
    assert not processes.belongs(42, "fedcba9876543210", tmp_path)
    assert not processes.belongs(43, "0123456789abcdef", tmp_path)


def test_a_process_of_somebody_else_is_never_signalled_here() -> None:
    """This process has the number that the engine reports, but is not in the container."""
    target = container(os.getpid())
    processes.kill_in_engine(target, signal.SIGKILL)
    (_, (script,)), options = target.client.containers.run.call_args
    assert f"kill -9 {os.getpid()}" in script
    assert options["pid_mode"] == "host"


def test_a_container_without_a_process_cannot_be_signalled() -> None:
    """A stopped container is reported, not ignored."""
    with pytest.raises(OrchlabError, match="has no process"):
        processes.kill_in_engine(container(0), signal.SIGKILL)
