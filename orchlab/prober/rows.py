"""Rows on disk: whole lines, appended by several processes to one file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from orchlab.records import Event, Sample, from_row, to_row


def line(record: Sample | Event) -> str:
    """One record as a line of JSON."""
    return json.dumps(to_row(record), separators=(",", ":")) + "\n"


def append(path: Path, *records: Sample | Event) -> None:
    """Append records; whoever else appends to the file never splits their lines."""
    with path.open("ab", buffering=0) as file:
        file.write("".join(line(record) for record in records).encode())


def scan(path: Path) -> Iterator[Sample | Event | str]:
    """Every record of a file; instead of an unreadable line, one that says where it is.

    A process that was killed while it wrote leaves half a line.
    """
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            try:
                yield from_row(json.loads(text))
            except (ValueError, TypeError, KeyError):
                yield f"{path.name}:{number}: unreadable line of {len(text)} bytes left out"


def read_samples(path: Path) -> list[Sample]:
    """The samples of a file in the order of their answers; half-written lines are left out."""
    return [record for record in scan(path) if isinstance(record, Sample)]
