"""An image taken apart: layers out of what the engine says, and the tables made of them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound

from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images import buildx, image_report, layers, rebuild
from orchlab.images.layers import Layer
from orchlab.images.rebuild import Rebuild
from orchlab.images.store import Image, ImageStore

CONFIG = {
    "rootfs": {"diff_ids": ["sha256:a", "sha256:b", "sha256:c"]},
    "history": [
        {},
        {"created_by": "ENV X=1", "empty_layer": True},
        {"created_by": "COPY /venv /venv # buildkit"},
        {"created_by": "RUN /bin/sh -c install \\\n  --directory /data # buildkit"},
        {"created_by": '/bin/sh -c #(nop)  CMD ["x"]', "empty_layer": True},
    ],
}
SIZES = [70, 0, 30, 15, 0]
HISTORY = [{"Size": size} for size in reversed(SIZES)]

BASE = Layer("sha256:a", 70_000_000, "imported", "base")
VENV = Layer("sha256:b", 30_000_000, "COPY /venv /venv", "dependencies")
CODE = Layer("sha256:c", 15_000_000, "COPY *.py /srv/app/", "code")
CHANGED = Layer("sha256:d", 15_000_000, "COPY *.py /srv/app/", "code")
OURS = Rebuild([BASE, VENV, CODE], [BASE, VENV, CHANGED], 0.64)


def test_layers_are_joined_from_both_answers() -> None:
    """Steps without a layer are left out; each layer has its digest, size, maker and part."""
    assert layers.join(CONFIG, HISTORY, 1) == [
        Layer("sha256:a", 70, "imported", "base"),
        Layer("sha256:b", 30, "COPY /venv /venv", "dependencies"),
        Layer("sha256:c", 15, "RUN install \\ --directory /data", "code"),
    ]


def test_a_base_that_installs_an_environment_is_still_the_base() -> None:
    """What lies in the base's layers is the base, whatever made it."""
    assert [each.part for each in layers.join(CONFIG, HISTORY, 3)] == ["base"] * 3


def test_answers_that_contradict_each_other_are_refused() -> None:
    """A history of another length than the configuration's is an error, not a guess."""
    with pytest.raises(ValueError, match="zip"):
        layers.join(CONFIG, HISTORY[1:], 1)


def test_sizes_and_ratio() -> None:
    """The ratio relates the whole image to its base plus its dependencies."""
    assert layers.total(OURS.before) == 115_000_000
    assert layers.total(OURS.before, "base", "code") == 85_000_000
    assert layers.ratio(OURS.before) == pytest.approx(1.15)


def test_new_layers_are_told_by_their_digest() -> None:
    """A rebuild changed the layers whose content was not there before."""
    assert OURS.changed == [CHANGED]
    assert Rebuild([BASE], [BASE], 1).changed == []


def test_a_row_says_what_a_change_leaves_of_a_layer() -> None:
    """Each layer stays the same or becomes one with another digest."""
    fates = [row[3] for row in image_report.layer_rows(OURS)]
    assert fates == ["the same", "the same", "new: d"]


def test_the_comparison_has_both_images_and_the_difference() -> None:
    """Every row holds our value, the naive one's and what the naive one costs more."""
    naive = Rebuild([BASE, CODE, VENV], [BASE, CHANGED, Layer("sha256:e", 9, "", "code")], 8.04)
    rows = {row[0]: row[1:] for row in image_report.comparison(OURS, naive)}
    assert rows["image"] == ("115.0 MB", "115.0 MB", "0.0 kB")
    assert rows["layers that a changed line of app/main.py makes new"] == ("1", "2", "1")
    assert rows["- seconds until they are built"] == ("0.6", "8", "7.4")


@pytest.mark.parametrize(("seconds", "verdict"), [(2.0, "held"), (2.1, "[red]broken[/red]")])
def test_promises_are_compared_with_what_was_measured(seconds: float, verdict: str) -> None:
    """A promise holds up to its limit and is broken beyond it."""
    rows = image_report.promises(Rebuild(OURS.before, OURS.after, seconds))
    assert rows[0][1:] == ("1.150", "1.15", "held")
    assert rows[1][3] == verdict


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0.0 kB"), (13_100, "13.1 kB"), (-2_540_000, "-2.5 MB")]
)
def test_sizes_are_readable(count: int, text: str) -> None:
    """Small sizes are told in kB, others in MB."""
    assert image_report.size(count) == text


@pytest.mark.parametrize(
    "source", ['"""One line."""\nX = 1\n', '"""Two\nlines."""\n', "import os\n", "X = 1"]
)
def test_a_changed_line_leaves_valid_code(tmp_path: Path, source: str) -> None:
    """The change differs each time, keeps the number of lines, and still compiles."""
    path = tmp_path / "main.py"
    seen = {source}
    for _ in range(2):
        path.write_text(source)
        rebuild.change_a_line(path)
        seen.add(path.read_text())
        assert path.read_text().count("\n") == source.count("\n")
        ast.parse(path.read_text())
    assert len(seen) == 3


@dataclass
class Engine:
    """An engine's images; each build adds a layer that holds the context's content."""

    tags: dict[str, str]
    fails: bool = False

    def build(self, context: Path, reference: str, arguments: Mapping[str, str]) -> None:
        """Stand in for a build with BuildKit."""
        if self.fails and self.tags:
            raise CommandFailed(["docker"], 1, "no")
        assert arguments == {"PYTHON_IMAGE": "python:1"}
        self.tags[reference] = (context / "main.py").read_text()

    def remove(self, reference: str) -> None:
        """Remove an image as the engine does."""
        if reference not in self.tags:
            raise ImageNotFound(reference)
        del self.tags[reference]

    def read(self, _: object, reference: str, base: str) -> list[Layer]:
        """Stand in for the layers of an image."""
        assert base == "python:1"
        return [BASE, Layer(self.tags[reference], 1, "COPY", "code")]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine without any image."""
    made = Engine({})
    monkeypatch.setattr(buildx, "build", made.build)
    monkeypatch.setattr(layers, "read", made.read)
    return made


def store(engine: Engine) -> Any:  # noqa: ANN401 - a stand-in for ImageStore
    """A store that has the Python image."""
    client = SimpleNamespace(images=SimpleNamespace(remove=engine.remove))
    return SimpleNamespace(client=client, ensure=lambda _: Image("python:1", "sha256:1"))


def test_a_rebuild_is_measured_and_leaves_nothing(tmp_path: Path, engine: Engine) -> None:
    """The second build has one changed line; both images are removed afterwards."""
    (tmp_path / "main.py").write_text("X = 1\n")
    measured = rebuild.measure(store(engine), tmp_path, "app")
    assert [each.digest.startswith("X = 1  # changed") for each in measured.changed] == [True]
    assert engine.tags == {}


def test_a_failed_rebuild_leaves_nothing(tmp_path: Path, engine: Engine) -> None:
    """Also when the second build fails the image of the first is removed."""
    engine.fails = True
    (tmp_path / "main.py").write_text("X = 1\n")
    with pytest.raises(CommandFailed):
        rebuild.measure(store(engine), tmp_path, "app")
    assert engine.tags == {}


def test_an_image_on_another_base_is_refused() -> None:
    """Layers cannot be told apart when the image does not stand on the named base."""
    found = {"app": ["x", "y"], "python": ["z"]}
    images = ImageStore()
    images.__dict__["client"] = SimpleNamespace(
        images=SimpleNamespace(
            get=lambda name: SimpleNamespace(attrs={"RootFS": {"Layers": found[name]}})
        )
    )
    with pytest.raises(OrchlabError, match="does not stand on"):
        layers.read(images, "app", "python")
