"""The files and the task for developing on Compose; no engine."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml

from orchlab import shell
from orchlab.apps import LABS_OWN
from orchlab.errors import CommandFailed
from orchlab.images.store import Image, ImageStore
from orchlab.paths import STACKS
from orchlab.platforms.compose import dev as compose_dev
from orchlab.platforms.compose.adapter import Compose
from orchlab.platforms.compose.project import Project

DEV, WATCH, BASE = (STACKS / f"compose.{name}yaml" for name in ("dev.", "watch.", ""))
DOCUMENTED = re.compile(r"^# ([A-Z_]+)  +(\S+)  ", re.MULTILINE)
USED = re.compile(r"\$\{([A-Z_]+):-([^}]*)\}")
ELSEWHERE = {"ORCHLAB_LAB", "WEB_PORT"}
"""Documented in ``compose.yaml``."""


@pytest.mark.parametrize("file", [DEV, WATCH], ids=lambda file: str(file.name))
def test_every_variable_is_documented_with_its_default(file: Path) -> None:
    """What the head of an override says of a variable is what the file does."""
    documented = dict(DOCUMENTED.findall(file.read_text()))
    used = dict(USED.findall(file.read_text()))
    assert documented.keys() - ELSEWHERE == used.keys() - ELSEWHERE
    assert all(documented[name] == used[name] for name in used.keys() - ELSEWHERE)


def test_nothing_watched_is_below_a_bind_mount() -> None:
    """Compose before 2.32.2 would watch none of it, so each way has a file of its own."""
    assert "develop" not in yaml.safe_load(DEV.read_text())["services"]["web"]
    assert "volumes" not in yaml.safe_load(WATCH.read_text())["services"]["web"]


class Recorder:
    """The commands that would have been run; the last one may fail."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.variables: list[dict[str, str]] = []
        self.failing = ""

    def __call__(self, argv: list[str], *, env: dict[str, str], **_: object) -> str:
        self.commands.append([str(word) for word in argv])
        self.variables.append(env)
        if self.failing in argv:
            raise CommandFailed(argv, 1, "")
        return ""

    def verbs(self) -> list[str]:
        words = ("down", "up", "logs", "stop")
        return [word for argv in self.commands for word in argv if word in words]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(shell, "run", recorder)
    monkeypatch.setattr(Project, "node", "host")
    return recorder


def stack(monkeypatch: pytest.MonkeyPatch, before: str) -> Compose:
    """A stack of which that variant is up, with images that need no engine."""
    images = Mock(spec=ImageStore, subject=LABS_OWN)
    images.app.return_value = Image("orchlab/app:1-abc", "sha256:1")
    images.ensure.return_value = Image("orchlab/redis:def", "sha256:2")
    made = Compose(images, 8080)
    monkeypatch.setattr(made.project, "variant", lambda: before)
    monkeypatch.setattr(made, "endpoints", list)
    return made


@pytest.mark.parametrize(
    ("before", "verbs"),
    [("", ["up"]), ("dev", ["up"]), ("defaults", ["down", "up"]), ("hardened", ["down", "up"])],
)
def test_another_variant_makes_room(
    monkeypatch: pytest.MonkeyPatch, ran: Recorder, before: str, verbs: list[str]
) -> None:
    """What else is up is removed without its data; both files and all variables are given."""
    compose_dev.bring_up(stack(monkeypatch, before))
    assert ran.verbs() == verbs
    assert "--volumes" not in ran.commands[0]
    assert [f"--file={BASE}", f"--file={DEV}"] == ran.commands[-1][4:6]
    assert ran.variables[-1]["APP_IMAGE"] == "orchlab/app:1-abc"
    assert ran.variables[-1]["WEB_PORT"] == "8080"


@pytest.mark.parametrize("failing", ["", "logs"])
def test_it_is_stopped_however_the_log_ends(
    monkeypatch: pytest.MonkeyPatch, ran: Recorder, failing: str
) -> None:
    """Ctrl-C or a failure: the containers do not outlive the command."""
    ran.failing = failing or "none"
    made = stack(monkeypatch, "dev")
    if failing:
        with pytest.raises(CommandFailed):
            compose_dev.serve(made)
    else:
        compose_dev.serve(made)
    assert ran.verbs() == ["up", "logs", "stop"]
