"""The pages of docs/lessons, and what walks through them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tasks
from orchlab import labels, paths, sweep
from orchlab.engine import Engine
from orchlab.errors import OrchlabError, UnknownName
from orchlab.lessons import finished, page, walk
from orchlab.lessons.page import Lesson, Step
from orchlab.lessons.terminal import Terminal
from orchlab.wait import wait_until

PAGES = page.lessons()
PARTS = ["Try it", "Why", "What breaks", "What the next platform changes"]


@pytest.fixture
def terminal() -> Terminal:
    return Terminal(os.environ)


@pytest.mark.parametrize("number", PAGES)
def test_a_page_has_all_its_parts(number: str) -> None:
    """Each asks a question and goes on in the same four steps."""
    text = (paths.LESSONS / f"{PAGES[number].name}.md").read_text(encoding="utf-8")
    assert PAGES[number].title.startswith(f"{number}. ")
    assert "?" in PAGES[number].question
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == PARTS
    assert PAGES[number].steps


@pytest.mark.parametrize("number", PAGES)
def test_a_page_names_only_what_invoke_knows(number: str) -> None:
    """Tasks and options of the commands exist, also where they stand in the text."""
    text = (paths.LESSONS / f"{PAGES[number].name}.md").read_text(encoding="utf-8")
    for name, rest in re.findall(r"(?<![\w-])invoke ([a-z][a-z0-9-]+)([^`\n]*)", text):
        known = {
            f"--{each.replace('_', '-')}"
            for argument in tasks.namespace[name].get_arguments()
            for each in argument.names
        }
        assert set(re.findall(r"--[a-z-]+", rest.partition("|")[0])) <= known, name


def test_a_block_is_commands_and_what_they_print(tmp_path: Path) -> None:
    """A command may have several lines; a block of another kind is text."""
    path = tmp_path / "01-it.md"
    path.write_text(
        "# 1. It\n\nIs\nit?\n\n```console\n$ a <<END\n> b\n>\n> END\n> out\n$ c\nd\n\ne\n```\n\n"
        "```\n$ no command\n```\n"
    )
    lesson = page.load(path)
    assert (lesson.name, lesson.title, lesson.question) == ("01-it", "1. It", "Is it?")
    assert lesson.steps == [Step("a <<END\nb\n\nEND\nout", ""), Step("c", "d\n\ne")]
    assert lesson.parts[0] == "# 1. It\n\nIs\nit?"
    assert "$ no command" in str(lesson.parts[-1])


def test_a_block_that_begins_with_no_command_is_refused(tmp_path: Path) -> None:
    """What would be printed by nothing is a mistake of the page."""
    path = tmp_path / "01-it.md"
    path.write_text("# 1. It\n\nIs it?\n\n```console\nout\n```\n")
    with pytest.raises(OrchlabError, match="before any command"):
        page.load(path)


@pytest.mark.parametrize(
    ("shown", "printed", "agrees"),
    [
        ("", "anything", True),
        ("up 3", "up 3", True),
        ("up 3", "up 4", False),
        ("up ... s\nend", "up 12 s\nend", True),
        ("first\n...\nlast", "first\nthen\nthen\nlast", True),
        ("a  b", "a\tb", True),
        ("a", "a\nb", False),
    ],
)
def test_what_is_printed_is_compared_with_the_page(
    shown: str, printed: str, *, agrees: bool
) -> None:
    """Dots stand for anything, any white space for any other; nothing else may differ."""
    assert Step("command", shown).agrees(printed) is agrees


def test_a_lesson_that_does_not_exist_is_answered_with_those_that_do() -> None:
    """The message has all the numbers."""
    with pytest.raises(UnknownName, match="unknown lesson '99'") as caught:
        page.find("99")
    assert caught.value.hint == f"valid names: {', '.join(PAGES)}"


def test_the_terminal_remembers(terminal: Terminal) -> None:
    """Variables, functions and the directory last from one command to the next."""
    lines: list[str] = []
    with terminal:
        assert terminal.run("cd /; here() { echo in $PWD; }; export A=7", lines.append) == ("", 0)
        assert terminal.run("here; echo $A >&2", lines.append) == ("in /\n7", 0)
        assert terminal.run("printf 'no end'; false", lines.append) == ("no end", 1)
        assert terminal.run("cat", lines.append) == ("", 0), "there is no input"
    assert lines == ["in /", "7", "no end"]


def test_a_line_is_shown_when_it_is_printed(terminal: Terminal, tmp_path: Path) -> None:
    """And not when the next one is: whoever waits sees for what."""
    seen = tmp_path / "seen"
    lines: list[str] = []

    def show(line: str) -> None:
        lines.append(line)
        if line == "waiting":
            seen.touch()

    waits = f"for _ in $(seq 100); do test -e {seen} && break; sleep 0.1; done; test -e {seen}"
    with terminal:
        _, status = terminal.run(f"echo; echo waiting; {waits}; echo $?; echo", show)
    assert (lines, status) == (["", "waiting", "0", ""], 0)


def test_what_was_left_in_the_background_ends_with_the_terminal(terminal: Terminal) -> None:
    """A loop that a lesson did not stop is stopped."""
    with terminal:
        started, _ = terminal.run("sleep 600 & echo $!", lambda _: None)
    wait_until("it ended", lambda: ended(started), timeout=10)


def ended(pid: str) -> bool:
    """Whether a process is gone, or waits for nobody but its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_command_that_ends_the_shell_is_named(terminal: Terminal) -> None:
    """The lesson cannot go on, and says why."""
    with terminal, pytest.raises(OrchlabError, match="exit 3"):
        terminal.run("exit 3", lambda _: None)


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The labs that were swept; no engine is touched, and the state is a directory of its own."""
    labs: list[str] = []
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(labels, "LAB", "mine-lesson")
    monkeypatch.setattr(walk.engine, "find", lambda: Engine("host", "", "", tmp_path))
    monkeypatch.setattr(sweep, "sweep", lambda lab, **_: labs.append(lab))
    return labs


def taught(monkeypatch: pytest.MonkeyPatch, *parts: str | Step) -> str:
    """A lesson of these parts; returns its number."""
    lesson = Lesson("01-it", "1. It", "Is it?", parts)
    monkeypatch.setattr(page, "lessons", lambda: {"1": lesson})
    return "1"


def test_a_lesson_that_shows_what_its_page_says_is_finished(
    swept: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its commands are echoed, the lab's own name is as the page writes it, nothing is swept."""
    number = taught(monkeypatch, "Read [this].", Step("echo mine-lesson-web", "orchlab-web"))
    assert not finished.is_finished("01-it")
    walk.walk(number)
    shown = capsys.readouterr()
    assert "Read [this]." in shown.out
    assert "$ echo mine-lesson-web\nmine-lesson-web\n" in shown.out
    assert "that was the last one" in shown.err
    assert finished.is_finished("01-it")
    assert swept == []
    walk.overview()
    assert re.search(r"1\. It.*Is it\?.*yes", capsys.readouterr().out)


@pytest.mark.parametrize("step", [Step("echo no", "yes"), Step("false", "")])
def test_a_lesson_that_shows_something_else_is_swept(
    step: Step,
    swept: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It goes on to its end, says what differed, and leaves nothing."""
    number = taught(monkeypatch, step, Step("echo further", "further"))
    with pytest.raises(OrchlabError, match="1 of 2 commands differ"):
        walk.walk(number)
    shown = capsys.readouterr()
    assert "further" in shown.out
    assert f"the page shows:\n{step.shown}" in shown.err
    assert swept == ["mine-lesson", "mine-lesson-compare"]
    assert not finished.is_finished("01-it")


@pytest.mark.parametrize(("words", "status"), [((), 0), (("99",), 2)])
def test_the_number_of_the_lesson_may_be_left_out(
    words: tuple[str, ...], status: int, tmp_path: Path
) -> None:
    """Without one all lessons are listed; a wrong one is answered with those there are."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "lesson", *words],
        cwd=paths.ROOT,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert PAGES["1"].title in done.stdout or "valid names: 1, 2" in done.stderr
