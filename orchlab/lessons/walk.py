"""A lesson step by step: read, type, look; and what differs from the page."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.markdown import Markdown
from rich.markup import escape

from orchlab import console, engine, labels, sweep
from orchlab.errors import HostUnfit, OrchlabError
from orchlab.lessons import finished, page
from orchlab.lessons.page import Lesson, Step
from orchlab.lessons.terminal import Terminal

NAME = "orchlab"
"""How the pages write the lab's name."""
PROGRAMS = ("bash", "curl", "timeout")


def overview() -> None:
    """Print all lessons, with those that were finished marked."""
    rows = (
        (number, each.title, each.question, "yes" if finished.is_finished(each.name) else "")
        for number, each in page.lessons().items()
    )
    console.table("lessons", ("", "lesson", "question", "finished"), rows)


def walk(number: str) -> None:
    """Go through a lesson; pauses before each command where somebody is there to press Enter.

    Raises ``UnknownName``, ``HostUnfit`` for a program that the pages use and this machine
    lacks, and ``OrchlabError`` when a command failed or printed something else than the page
    shows. What the lesson made is then removed, as after Ctrl-C.
    """
    lesson = page.find(number)
    _require_programs()
    try:
        _go_through(lesson)
    except BaseException:
        _tidy_up()
        raise
    finished.remember(lesson.name)
    console.note(_farewell(lesson))


def _go_through(lesson: Lesson) -> None:
    with TemporaryDirectory() as scratch, Terminal(_environment(scratch)) as terminal:
        surprises = [part for part in lesson.parts if not _went_well(part, terminal)]
    if surprises:
        message = f"{len(surprises)} of {len(lesson.steps)} commands differ from the page"
        raise OrchlabError(message, "`invoke doctor` shows what this machine lacks")


def _went_well(part: str | Step, terminal: Terminal) -> bool:
    if isinstance(part, str):
        _read(part)
        return True
    command = part.command.replace("\n", "\n> ")
    console.out.print(f"[bold green]$ {escape(command)}[/bold green]", soft_wrap=True)
    if _somebody_is_there():
        _pause()
    printed, status = terminal.run(part.command, console.line)
    as_written = printed.replace(labels.LAB, NAME)
    if status == 0 and part.agrees(as_written):
        return True
    console.warn(f"exit status {status}; the page shows:\n{part.shown or '(anything)'}")
    return False


def _read(text: str) -> None:
    if console.out.is_terminal:
        console.out.print(Markdown(text))
    else:
        console.line(f"\n{text}\n")


def _somebody_is_there() -> bool:
    return sys.stdin.isatty() and console.out.is_terminal and not os.environ.get("CI")


def _pause() -> None:
    try:
        console.out.input("[dim](Enter to run it, Ctrl-C to stop here)[/dim] ")
    except EOFError:
        raise KeyboardInterrupt from None


def _environment(scratch: str) -> dict[str, str]:
    """This process', with its own `invoke` first; what `mktemp` makes goes with the shell."""
    search = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": search, "TMPDIR": scratch, "COLUMNS": "120"}


def _require_programs() -> None:
    missing = [each for each in PROGRAMS if not shutil.which(each)]
    if missing:
        names = " ".join(missing)
        raise HostUnfit(f"the lessons use {names}", f"apt-get install {names} (as root)")


def _tidy_up() -> None:
    """Remove what the lesson made, and the comparison that it may have begun."""
    if engine.find() is None:
        return
    for lab in (labels.LAB, f"{labels.LAB}-compare"):
        with console.step(f"remove what is labelled {labels.KEY}={lab}"):
            sweep.sweep(lab, settle=sweep.INTERRUPTED_SECONDS)


def _farewell(lesson: Lesson) -> str:
    names = {each.name: number for number, each in page.lessons().items()}
    later = (number for name, number in names.items() if name > lesson.name)
    following = next(later, "")
    more = f"go on with `invoke lesson {following}`" if following else "that was the last one"
    return f"finished: {lesson.title}; {more}"
