"""Which process is signalled from outside a container, and how."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from unittest.mock import Mock

import pytest

from orchlab.errors import OrchlabError
from orchlab.platforms import processes


def container(pid: int, *children: list[str], init: bool = False) -> Mock:
    """A container as the engine reports it, its processes as ID, parent and state."""
    first = [[str(pid), "1", "Ss"]]
    attrs = {"State": {"Pid": pid}, "Image": "sha256:0", "HostConfig": {"Init": init}}
    made = Mock(id="0123456789abcdef", attrs=attrs)
    made.top.return_value = {"Processes": first + list(children)}
    return made


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


def test_a_signal_can_come_from_an_image_that_has_a_shell() -> None:
    """The app's own may have none."""
    target = container(os.getpid())
    for helper, expected in (("", "sha256:0"), ("redis:1", "redis:1")):
        processes.kill_in_engine(target, signal.SIGKILL, helper)
        ((image, _), _) = target.client.containers.run.call_args
        assert image == expected


def test_a_container_without_a_process_cannot_be_signalled() -> None:
    """A stopped container is reported, not ignored."""
    with pytest.raises(OrchlabError, match="has no process"):
        processes.kill_in_engine(container(0), signal.SIGKILL)


def test_behind_an_init_its_child_is_meant() -> None:
    """A stopped init would leave the app running; health checks are nobody's children here."""
    shell = ["44", "7", "Ss"]
    assert processes.main_process(container(42, shell, ["43", "42", "Sl"], init=True)) == 43
    assert processes.main_process(container(42, ["43", "42", "Sl"])) == 42


def test_an_init_without_a_child_is_said() -> None:
    """The app has just ended, or has not begun."""
    with pytest.raises(OrchlabError, match="no child"):
        processes.main_process(container(42, init=True))


def test_stopped_is_what_the_kernel_says_of_the_app() -> None:
    """Not of the init above it."""
    assert processes.stopped(container(42, ["43", "42", "Tl"], init=True))
    assert not processes.stopped(container(42, ["43", "42", "Sl"], init=True))
