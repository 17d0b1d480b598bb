"""Which engine is chosen, and when none can be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchlab import engine
from orchlab.engine import apt, limits, named, packages, private
from orchlab.errors import HostUnfit

SETTINGS = {"DOCKER_HOST": "unix:///ours.sock", "DOCKER_CONFIG": "/ours", "PATH": "/bin"}
REQUIRE_DISK = limits.require_disk


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A host without any engine; returns what was done to it."""
    done: list[str] = []
    for variable in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    for variable in SETTINGS:
        monkeypatch.setenv(variable, os.environ.get(variable, ""))
    monkeypatch.setattr(named, "address", lambda _: None)
    monkeypatch.setattr(private, "running", lambda: "start" in done)
    monkeypatch.setattr(private, "start", lambda: done.append("start"))
    monkeypatch.setattr(private, "client_environment", lambda: SETTINGS)
    monkeypatch.setattr(private, "write_client_config", lambda _: None)
    monkeypatch.setattr(packages, "provide", lambda: tmp_path)
    monkeypatch.setattr(limits, "raise_inotify_instances", lambda: None)
    monkeypatch.setattr(limits, "require_disk", lambda *_, **__: None)
    monkeypatch.setattr(apt, "debian_like", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(engine, "has_images", lambda: True)
    monkeypatch.setattr(engine, "plugin_version", lambda _: "1.0")
    monkeypatch.setattr(
        engine, "_describe", lambda kind, at: engine.Engine(kind, at, "26.1", tmp_path)
    )
    return done


def test_host_engine_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch, started: list[str]) -> None:
    """An engine that answers is taken, and no other is started."""
    monkeypatch.setattr(named, "address", lambda _: "unix:///theirs.sock")
    assert engine.ensure().kind == "host"
    assert os.environ["DOCKER_HOST"] == "unix:///theirs.sock"
    assert not started


def test_private_engine_is_started_and_announced(
    started: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The process is pointed at it, and the line to paste is shown once."""
    engine._shown.clear()  # noqa: SLF001 - another test may have shown it
    assert engine.ensure().kind == engine.ensure().kind == "private"
    assert started == ["start"]
    assert os.environ["DOCKER_HOST"] == "unix:///ours.sock"
    assert capsys.readouterr().err.count("export DOCKER_HOST=unix:///ours.sock") == 1


def test_find_starts_nothing(started: list[str]) -> None:
    """Looking for an engine leaves the machine as it is."""
    assert engine.find() is None
    assert not started


def test_revive_starts_only_an_engine_that_has_been(started: list[str], tmp_path: Path) -> None:
    """Clean-up reaches what a dead private engine holds, but makes no new one."""
    assert engine.revive() is None
    (tmp_path / "orchlab/docker").mkdir()
    revived = engine.revive()
    assert revived is not None
    assert revived.kind == "private"
    assert started == ["start"]


@pytest.mark.parametrize(("debian", "user"), [(True, 1000), (False, 0)])
def test_host_where_none_can_be_provided(
    monkeypatch: pytest.MonkeyPatch, *, debian: bool, user: int
) -> None:
    """Without root, or on another distribution, the message says what to do."""
    monkeypatch.setattr(apt, "debian_like", lambda: debian)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(HostUnfit, match="no Docker engine answers") as caught:
        engine.ensure()
    assert caught.value.hint


def test_missing_plugin_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host engine without compose gets the packages to install."""
    monkeypatch.setattr(named, "address", lambda _: "unix:///theirs.sock")
    monkeypatch.setattr(engine, "plugin_version", lambda name: None if name == "buildx" else "2")
    monkeypatch.setattr(apt, "distribution", lambda: apt.Distribution("ubuntu", "noble"))
    with pytest.raises(HostUnfit, match="docker buildx") as caught:
        engine.ensure()
    assert "docker-buildx" in caught.value.hint


def test_full_disk_is_told_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, started: list[str]
) -> None:
    """Too little space leaves nothing behind."""
    monkeypatch.setattr(limits, "require_disk", REQUIRE_DISK)
    monkeypatch.setattr(limits, "free_gb", lambda _: 1.0)
    with pytest.raises(HostUnfit, match="GB needed"):
        engine.ensure()
    assert not started
