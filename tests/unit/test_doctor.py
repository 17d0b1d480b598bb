"""What `invoke doctor` says about machines of all kinds."""

from __future__ import annotations

import pytest

from orchlab import engine as engines
from orchlab.engine import checks, doctor
from orchlab.engine.checks import Check
from orchlab.errors import HostUnfit


def _engine(version: str | None, *, can_provide: bool = False, resource: bool = True) -> Check:
    return checks.engine(version, can_provide=can_provide, advice="start it", resource=resource)


@pytest.mark.parametrize(
    ("check", "state"),
    [
        (_engine("26.1.5"), "ok"),
        (_engine(None, can_provide=True), "warning"),
        (_engine(None), "missing"),
        (_engine("20.10.24+dfsg1"), "ok"),
        (_engine("20.10.24+dfsg1", resource=False), "warning"),
        (checks.plugin("compose", "2.26.1", with_engine=True, packages="p"), "ok"),
        (checks.plugin("compose", None, with_engine=True, packages="p"), "missing"),
        (checks.plugin("compose", None, with_engine=False, packages="p"), "warning"),
        (checks.tool("kind", None, "made on first use"), "ok"),
        (checks.go("go1.27.3"), "ok"),
        (checks.go("go1.19.8"), "warning"),
        (checks.go(None), "warning"),
        (checks.cgroup(2), "ok"),
        (checks.cgroup(1), "warning"),
        (checks.ipvs(available=True), "ok"),
        (checks.ipvs(available=False), "warning"),
        (checks.capabilities(root=False, resource=True), "ok"),
        (checks.capabilities(root=True, resource=False), "warning"),
        (checks.inotify(1024, root=False), "ok"),
        (checks.inotify(128, root=False), "warning"),
        (checks.disk(10, built=True), "ok"),
        (checks.disk(10, built=False), "missing"),
        (checks.memory(16), "ok"),
        (checks.memory(4), "warning"),
        (checks.cores(2), "ok"),
        (checks.cores(1), "warning"),
        (checks.registry(answers=True), "ok"),
        (checks.registry(answers=False), "warning"),
    ],
)
def test_verdicts(check: Check, state: str) -> None:
    """Each row judges what was seen, and every verdict but ok has a hint."""
    assert check.state == state
    assert check.hint or state == "ok"


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("Docker Compose version 2.26.1-4", "2.26.1-4"),
        ("go version go1.27.3 linux/arm64", "go1.27.3"),
        ("kind v0.33.0 go1.26.5 linux/amd64", "v0.33.0"),
        ("nothing known", "nothing known"),
    ],
)
def test_releases_are_picked_out_of_what_tools_print(text: str, release: str) -> None:
    """The table shows the release, not the tool's whole greeting."""
    assert checks.release(text) == release


def test_memory_is_counted_in_gigabytes() -> None:
    """The kernel's kB are KiB."""
    assert doctor.total_memory_gb("MemTotal:  24684096 kB\nMemFree: 1 kB\n") == pytest.approx(
        25.28, abs=0.01
    )


def test_doctor_fails_only_for_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Warnings pass; something missing is shown and ends with exit code 3."""
    rows = [Check("a", "ok", "1"), Check("b", "warning", "2", "hint [x]")]
    monkeypatch.setattr(doctor, "examine", lambda: rows)
    doctor.require()
    assert "hint [x]" in capsys.readouterr().out
    rows.append(Check("c", "missing", "-", "mend"))
    with pytest.raises(HostUnfit):
        doctor.require()


def test_doctor_works_without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no engine and no tool at all every row is still there."""
    monkeypatch.setattr(engines, "find", lambda: None)
    monkeypatch.setattr(doctor.host, "registry_answers", lambda: False)
    monkeypatch.setenv("PATH", "/nonexistent")
    names = [check.name for check in doctor.examine()]
    assert names[:6] == ["engine", "kind of engine", "compose", "buildx", "kind", "kubectl"]
    assert len(names) == len(set(names)) == 15
