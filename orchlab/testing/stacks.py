"""What somebody's file is called in the lab, and what the lab makes of it."""

from __future__ import annotations

from pathlib import Path

from orchlab import labels, paths
from orchlab.images.fingerprint import of_text

HASH = 6


def named(file: Path) -> str:
    """A name for what one file describes, of this file alone, valid on every platform."""
    return f"{labels.LAB}-stack-{of_text(str(file.resolve()))[:HASH]}"


def directory() -> Path:
    """Where the files are that the lab derives from somebody's."""
    found = paths.lab_dir() / "stacks"
    found.mkdir(exist_ok=True)
    return found
