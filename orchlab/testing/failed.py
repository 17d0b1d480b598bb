"""What stands beside a failed test: what the platform logged, and what happened on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

SHOWN = ("events.txt", "tasks.txt", "pods.txt", "*.log")
TAIL_LINES = 15
WIDTH = 200


@runtime_checkable
class Logged(Protocol):
    """A platform, a cluster or a stack."""

    def collect_logs(self, into: Path) -> None:
        """Write all that it has to say as files below ``into``."""


def sections(used: Mapping[str, object], logs: Path) -> Iterator[tuple[str, str]]:
    """Title and text for each thing that has logs; the files go below ``logs``.

    Several fixtures may hand out the same one, which is said once, by the last one's name.
    """
    named = {id(value): (name, value) for name, value in used.items()}
    for name, value in named.values():
        if isinstance(value, Logged):
            yield f"orchlab: {name}", collect(value, logs / name)


def collect(value: Logged, into: Path) -> str:
    """Collect, and say the ends of what was; never raises, since something broke already."""
    try:
        value.collect_logs(into)
    except Exception as error:  # noqa: BLE001 - the test's own failure must be what is reported
        return f"not all logs could be had: {error!r}\n{excerpt(into)}"
    return excerpt(into)


def excerpt(directory: Path) -> str:
    """The ends of the logs in a directory, of events and of tasks; the rest is where it says."""
    lines = [f"all logs: {directory}"]
    for path in (path for pattern in SHOWN for path in sorted(directory.glob(pattern))):
        said = path.read_text(errors="replace").splitlines()
        lines += [
            f"--- {path.name}, {len(said)} lines",
            *(line[:WIDTH] for line in said[-TAIL_LINES:]),
        ]
    return "\n".join(lines)


@contextmanager
def explained(name: str, value: Logged, logs: Path) -> Iterator[None]:
    """What cannot be brought up leaves its logs too, as a note on the error."""
    try:
        yield
    except Exception as error:
        error.add_note(collect(value, logs / f"{name}-bring-up"))
        raise
