"""Nodes are shared by whoever uses them, and go with the last one."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchlab import engine, labels, sweep
from orchlab.errors import UsageError
from orchlab.testing import lab as testing_lab
from orchlab.testing.lab import Lab


class Nodes:
    """A test double of a platform, which notes what is done to it."""

    variants = ("defaults",)

    def __init__(self, name: str) -> None:
        self.name = name
        self.done: list[str] = []

    def __getattr__(self, step: str) -> object:
        return lambda *_: self.done.append(step)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab in which nothing is real."""
    made = {name: Nodes(name) for name in ("compose", "swarm", "k8s")}
    platforms = {name: lambda _images, each=each: each for name, each in made.items()}
    monkeypatch.setattr(testing_lab, "PLATFORMS", platforms)
    monkeypatch.setattr(engine, "ensure", lambda: None)
    monkeypatch.setattr(sweep, "leftover", lambda _lab: None)
    monkeypatch.setattr(labels, "enter", lambda _purpose: None)
    monkeypatch.delenv(testing_lab.WORKER, raising=False)
    return Lab("auto", tmp_path, keep=False)


def test_the_last_one_to_leave_removes_the_nodes(lab: Lab) -> None:
    """Two fixtures may use the same Swarm."""
    with lab.nodes("swarm") as first:
        with lab.nodes("swarm") as second:
            assert second is first
        assert "delete" not in first.done
    assert first.done == ["prepare", "create", "prepare", "create", "delete"]


def test_what_is_kept_is_not_removed(lab: Lab) -> None:
    """The next session takes it over."""
    lab.keep = True
    with lab.nodes("swarm") as nodes:
        pass
    assert nodes.done == ["prepare", "create"]


def test_several_processes_do_not_share_a_lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would remove what another one has just made."""
    monkeypatch.setenv(testing_lab.WORKER, "gw0")
    with pytest.raises(UsageError, match="several test processes"):
        Lab("auto", tmp_path, keep=False)
