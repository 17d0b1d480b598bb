"""A page of ``docs/lessons``: what to read and what to type, in order."""

from __future__ import annotations

import doctest
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from orchlab.errors import OrchlabError
from orchlab.names import one
from orchlab.paths import LESSONS

TYPED, GOES_ON = "$ ", ">"
AS_SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True, slots=True)
class Step:
    """A command, of several lines perhaps, and what the page shows below it."""

    command: str
    shown: str

    def agrees(self, printed: str) -> bool:
        """Whether a command that printed this printed what is shown."""
        return not self.shown or doctest.OutputChecker().check_output(
            self.shown + "\n", printed + "\n", AS_SHOWN
        )


@dataclass(frozen=True, slots=True)
class Lesson:
    """``name`` is the file's; ``parts`` are texts in Markdown, and steps."""

    name: str
    title: str
    question: str
    parts: tuple[str | Step, ...]

    @property
    def steps(self) -> list[Step]:
        """What is typed, in order."""
        return [part for part in self.parts if isinstance(part, Step)]


def lessons() -> dict[str, Lesson]:
    """Number -> lesson; raises ``OrchlabError`` where there are no pages."""
    found = {str(int(path.name[:2])): load(path) for path in sorted(LESSONS.glob("[0-9]*.md"))}
    if not found:
        raise OrchlabError(f"no lessons in {LESSONS}", "run this in a checkout of the project")
    return found


def find(number: str) -> Lesson:
    """The lesson of that number; raises ``UnknownName``, which lists those there are."""
    return one("lesson", number, lessons())


def load(path: Path) -> Lesson:
    """Read a page; its title is the first heading, its question the paragraph below.

    Raises ``OrchlabError`` for a block of commands that does not begin with one.
    """
    text = path.read_text(encoding="utf-8")
    lines, tokens = text.splitlines(), MarkdownIt().parse(text)
    parts: list[str | Step] = []
    read = 0
    for token in tokens:
        if token.type == "fence" and token.info.strip() == "console" and token.map:
            begin, end = token.map
            parts += ["\n".join(lines[read:begin]).strip(), *_steps(token.content, path)]
            read = end
    parts.append("\n".join(lines[read:]).strip())
    title, question = [each.content for each in tokens if each.type == "inline"][:2]
    return Lesson(path.stem, title, " ".join(question.split()), tuple(filter(None, parts)))


def _steps(block: str, path: Path) -> list[Step]:
    commands: list[list[str]] = []
    outputs: list[list[str]] = []
    for line in block.splitlines():
        if line.startswith(TYPED):
            commands.append([line.removeprefix(TYPED)])
            outputs.append([])
        elif not commands:
            raise OrchlabError(f"{path}: {line!r} comes before any command", "begin with `$ `")
        elif line.startswith(GOES_ON) and not outputs[-1]:
            commands[-1].append(line.removeprefix(GOES_ON).removeprefix(" "))
        else:
            outputs[-1].append(line)
    return [
        Step("\n".join(command), "\n".join(output))
        for command, output in zip(commands, outputs, strict=True)
    ]
