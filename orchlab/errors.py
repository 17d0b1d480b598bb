"""Every exception that a user can meet.

::

    OrchlabError                 exit 1   says what is wrong and what to do
    ├── UsageError               exit 2   the request itself is wrong
    │   └── UnknownName          exit 2   ... and these names are valid
    ├── HostUnfit                exit 3   the machine lacks something
    ├── CommandFailed            exit 1   an external command failed
    ├── WaitTimeout              exit 1   something never came true
    ├── Unanswered               exit 1   a run left questions without an answer
    └── PromiseBroken            exit 4   a measured promise did not hold

Each carries ``message`` (one line: what is wrong) and ``hint`` (one line: what
to do). ``tasks.py`` prints the two and exits with ``exit_code``.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

TAIL_LINES = 10


class OrchlabError(Exception):
    """Base of all; ``hint`` tells the user the next step."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(OrchlabError):
    """The request cannot be carried out as asked."""

    exit_code = 2


class UnknownName(UsageError):
    """A platform, experiment or image name that does not exist."""

    def __init__(self, kind: str, name: str, valid: Iterable[str]) -> None:
        super().__init__(f"unknown {kind} {name!r}", f"valid names: {', '.join(valid)}")


class HostUnfit(OrchlabError):
    """The machine lacks something that the lab needs (engine, disk, rights)."""

    exit_code = 3


class CommandFailed(OrchlabError):
    """An external command exited non-zero or could not be started.

    Attributes: ``argv``, ``exit_status`` (127 when not found, -N for signal N),
    ``output`` (what it printed, stdout then stderr).
    """

    def __init__(self, argv: Sequence[str], exit_status: int, output: str, hint: str = "") -> None:
        self.argv = tuple(argv)
        self.exit_status = exit_status
        self.output = output
        tail = "\n".join(f"    {line}" for line in output.strip().splitlines()[-TAIL_LINES:])
        message = f"command failed with exit status {exit_status}: {shlex.join(argv)}"
        super().__init__(f"{message}\n{tail}" if tail else message, hint)


class WaitTimeout(OrchlabError):
    """A condition did not come true in time; ``last`` is the last state seen."""

    def __init__(self, what: str, seconds: float, last: str = "", hint: str = "") -> None:
        self.last = last
        seen = f"; last seen: {last}" if last else ""
        super().__init__(f"{what}: not within {seconds:g} s{seen}", hint)


class Unanswered(OrchlabError):
    """A run finished, and a finding proves nothing: something broke, or a control failed."""


class PromiseBroken(OrchlabError):
    """A run finished, and what it measured is not as promised."""

    exit_code = 4
