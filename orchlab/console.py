"""What the user sees: steps with elapsed time, echoed commands, tables.

Progress goes to stderr, results to stdout. Rich draws colour and spinners in a
terminal and leaves plain text in a pipe.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

LINE_WIDTH = 100
PIPE_WIDTH = 160
"""Of tables in a pipe, where nobody says how wide the reader's window is."""

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)
if not out.is_terminal and "COLUMNS" not in os.environ:
    out.width = PIPE_WIDTH

PIPE_SECONDS = 30.0


def echo(argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    """Show a command so that it can be pasted into a shell."""
    settings = [f"{key}={shlex.quote(value)}" for key, value in (env or {}).items()]
    err.print(f"[dim]$ {escape(' '.join([*settings, shlex.join(argv)]))}[/dim]", soft_wrap=True)


def note(text: str) -> None:
    """One line of information."""
    err.print(escape(text), soft_wrap=True)


def line(text: str) -> None:
    """One line of a result, as it is, on stdout."""
    out.print(escape(text), soft_wrap=True)


def rule(title: str) -> None:
    """A heading between parts of long work."""
    err.rule(escape(title), align="left")


def warn(text: str) -> None:
    """One line that the user should not overlook."""
    err.print(f"[yellow]warning:[/yellow] {escape(text)}", soft_wrap=True)


class Progress:
    """A title, the seconds since it began, and the latest line of detail."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self._started = self._shown = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._started

    def __rich__(self) -> Text:
        return Text.assemble(self.title, (f" ({self.seconds:.0f} s) {self.detail}", "dim"))

    def update(self, line: str) -> None:
        """Show a line of detail; a pipe gets one every ``PIPE_SECONDS``."""
        self.detail = line.strip()[:LINE_WIDTH]
        if not err.is_terminal and time.monotonic() - self._shown >= PIPE_SECONDS:
            self._shown = time.monotonic()
            err.print("...", self, soft_wrap=True)


@contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    """Show ``title`` as work in progress with its elapsed time, then how long it took.

    Yields a function that takes the latest line of detail.
    """
    progress = Progress(title)
    if not err.is_terminal:
        err.print(f"... {escape(title)}", soft_wrap=True)
    try:
        with err.status(progress, refresh_per_second=4):
            yield progress.update
    except BaseException:
        err.print(f"[red]failed[/red] {escape(title)} ({progress.seconds:.1f} s)", soft_wrap=True)
        raise
    err.print(f"[green]ok[/green] {escape(title)} ({progress.seconds:.1f} s)", soft_wrap=True)


def table(title: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table on stdout; cells may hold rich markup. ASCII in a pipe."""
    frame = box.ROUNDED if out.is_terminal else box.ASCII2
    drawn = Table(title=title, title_justify="left", box=frame)
    for name in header:
        drawn.add_column(name, overflow="fold")  # a name cut short could not be typed again
    for row in rows:
        drawn.add_row(*row)
    out.print(drawn)
