"""Setting up from nothing, without a network: the package installer is faked."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchlab import bootstrap, paths


@pytest.fixture(autouse=True)
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty checkout, seen by a system Python."""
    (tmp_path / "requirements.txt").write_text("a==1\n")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "REQUIREMENTS", tmp_path / "requirements.txt")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    return tmp_path


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Environments that were installed into; making one is a link to this Python."""
    done: list[Path] = []

    def call(argv: list[str], *_: object) -> None:
        home = Path(argv[-1])
        (home / "bin").mkdir()
        (home / "bin/python").symlink_to(sys.executable)

    monkeypatch.setattr(bootstrap, "call", call)
    monkeypatch.setattr(bootstrap, "install", done.append)
    monkeypatch.setattr(bootstrap, "link_package", lambda _: None)
    monkeypatch.setattr(bootstrap, "run", lambda *_: None)
    return done


def test_second_start_sets_up_nothing(checkout: Path, installs: list[Path]) -> None:
    """Set up once; again only when the lock file changes."""
    bootstrap.main(["true"])
    bootstrap.main(["true"])
    assert installs == [checkout / ".venv"]
    (checkout / "requirements.txt").write_text("a==2\n")
    bootstrap.main(["true"])
    assert len(installs) == 2


def test_interrupted_set_up_is_done_anew(
    checkout: Path, installs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with 130, and what it left half-made is replaced next time."""

    def interrupted(home: Path) -> None:
        (home / "half").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bootstrap, "install", interrupted)
        assert bootstrap.main(["true"]) == bootstrap.INTERRUPTED
    assert (checkout / ".venv/half").exists()
    bootstrap.main(["true"])
    assert installs == [checkout / ".venv"]
    assert not (checkout / ".venv/half").exists()


def test_somebody_elses_environment_is_kept(checkout: Path, installs: list[Path]) -> None:
    """A working .venv that we did not make is installed into, never deleted."""
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/python").symlink_to(sys.executable)
    (checkout / ".venv/mine").touch()
    bootstrap.main(["true"])
    assert installs == [checkout / ".venv"]
    assert (checkout / ".venv/mine").exists()


def test_environment_whose_python_is_gone_is_made_anew(
    checkout: Path, installs: list[Path]
) -> None:
    """An upgrade of the system's Python leaves a dangling link behind."""
    bootstrap.main(["true"])
    python = checkout / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nonexistent/python")
    bootstrap.main(["true"])
    assert len(installs) == 2
    assert bootstrap.python_version(checkout / ".venv")


def test_inside_an_environment_that_one_is_used(
    checkout: Path, installs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An active virtual environment is installed into and left in place."""
    (checkout / "active").mkdir()
    monkeypatch.setattr(sys, "prefix", str(checkout / "active"))
    bootstrap.main(["true"])
    assert installs == [checkout / "active"]
    assert not (checkout / ".venv").exists()


def test_python_without_venv_names_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the rights to install it, the user gets the command."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert bootstrap.main(["true"]) == bootstrap.HOST_UNFIT
    assert f"python3.{sys.version_info.minor}-venv" in capsys.readouterr().err


def test_too_old_a_python_without_a_newer_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says which version is needed."""
    monkeypatch.setattr(bootstrap, "MINIMUM", (3, 99))
    monkeypatch.setenv("PATH", "/nonexistent")
    assert bootstrap.main(["true"]) == bootstrap.HOST_UNFIT
    assert "the lab needs 3.99 or newer" in capsys.readouterr().err


def test_failed_installation_shows_the_end_of_its_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is visible without running the installer again."""
    script = "print('no such release'); raise SystemExit(1)"
    failing = [sys.executable, "-c", script]
    monkeypatch.setattr(bootstrap, "environment", lambda: bootstrap.call(failing, "failed"))
    assert bootstrap.main(["true"]) == bootstrap.HOST_UNFIT
    assert "failed\n    no such release" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 2), (["--help"], 0), (["no-such-command"], 2)]
)
def test_wrong_usage(arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command, or one that does not exist, is the user's mistake: exit code 2."""
    monkeypatch.setattr(bootstrap, "is_complete", lambda _: True)
    assert bootstrap.main(arguments) == code


def test_arguments_and_exit_code_pass_through(checkout: Path) -> None:
    """The command sees its arguments as given; its exit code becomes ours."""
    (checkout / "bin").mkdir()
    (checkout / "bin/python").symlink_to(sys.executable)
    script = "import sys; print(sys.argv[1:]); sys.exit(7)"
    child = (
        "import sys; from pathlib import Path; from orchlab import bootstrap; "
        "bootstrap.run(Path(sys.argv[1]), sys.argv[2:])"
    )
    argv = [sys.executable, "-c", child, str(checkout), "python", "-c", script, "a b", "--x"]
    done = subprocess.run(argv, cwd=paths.ROOT, capture_output=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stdout) == (7, "['a b', '--x']\n"), done.stderr
