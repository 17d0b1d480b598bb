"""Which lessons were finished: an empty file for each, in the user's state directory."""

from __future__ import annotations

from pathlib import Path

from orchlab import labels, paths


def _directory() -> Path:
    path = paths.state_dir() / "lessons" / labels.LAB
    path.mkdir(parents=True, exist_ok=True)
    return path


def remember(name: str) -> None:
    """A lesson showed all that its page says."""
    (_directory() / name).touch()


def is_finished(name: str) -> bool:
    """Whether it ever did, in this lab."""
    return (_directory() / name).exists()
