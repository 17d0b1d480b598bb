from __future__ import annotations

from pathlib import Path

import pytest

from orchlab import host
from orchlab.errors import CommandFailed


@pytest.mark.parametrize(
    ("commit", "changes", "said"),
    [("abc", "", "abc"), ("abc", " M app/main.py", "abc-dirty"), ("", "?? app/", "unknown")],
)
def test_revision_of_a_directory(
    monkeypatch: pytest.MonkeyPatch, commit: str, changes: str, said: str
) -> None:
    """A directory's revision is its own last commit, and says when files differ from that."""
    answers = {"log": f"{commit}\n", "status": f"{changes}\n"}

    def git(argv: list[str], **_: object) -> str:
        assert argv[-2:] == ["--", "/checkout/app"]
        return answers[argv[1]]

    monkeypatch.setattr("orchlab.shell.run", git)
    assert host.revision(Path("/checkout/app")) == said


def test_revision_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a git checkout a directory's revision is unknown instead of an error."""

    def fail(*_: object, **__: object) -> str:
        raise CommandFailed(["git"], 127, "")

    monkeypatch.setattr("orchlab.shell.run", fail)
    assert host.revision(Path("app")) == "unknown"
