"""What a changed line costs: build a copy of the app, change one line, build again."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from docker.errors import ImageNotFound

from orchlab import labels
from orchlab.images import buildx, layers
from orchlab.images.layers import Layer
from orchlab.images.recipes import DOCKERFILES
from orchlab.images.store import PREFIX, ImageStore
from orchlab.paths import APP

CHANGED_FILE = "main.py"
NAIVE = DOCKERFILES / "naive" / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Rebuild:
    """An image's layers before and after the change, and how long the second build took."""

    before: list[Layer]
    after: list[Layer]
    seconds: float

    @property
    def changed(self) -> list[Layer]:
        """The layers that are new: what a registry and every node would have to take."""
        known = {each.digest for each in self.before}
        return [each for each in self.after if each.digest not in known]


def ours(images: ImageStore) -> Rebuild:
    """Measure with the app's own Dockerfile."""
    with _copy() as context:
        return measure(images, context, "app")


def naive(images: ImageStore) -> Rebuild:
    """Measure with the Dockerfile that a beginner writes, who has no .dockerignore either."""
    with _copy() as context:
        (context / ".dockerignore").unlink()
        shutil.copy(NAIVE, context / "Dockerfile")
        return measure(images, context, "naive")


def measure(images: ImageStore, context: Path, name: str) -> Rebuild:
    """Build ``context``, change a line of its code, and time the second build.

    The first build fills the build cache. Both images are removed. Raises
    ``CommandFailed`` when a build fails.
    """
    base = images.ensure("python").reference
    before, after = (
        f"{PREFIX}/image-report:{labels.LAB}-{name}-{when}" for when in ("before", "after")
    )
    try:
        _build(context, before, base)
        change_a_line(context / CHANGED_FILE)
        seconds = _build(context, after, base)
        return Rebuild(layers.read(images, before, base), layers.read(images, after, base), seconds)
    finally:
        for tag in (before, after):
            with suppress(ImageNotFound):
                images.client.images.remove(tag)


def change_a_line(path: Path) -> None:
    """Make a line of a Python file differ from whatever was built before."""
    first, newline, rest = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(f"{first}  # changed {time.time_ns()}{newline}{rest}", encoding="utf-8")


def _build(context: Path, tag: str, base: str) -> float:
    """Seconds that it took."""
    started = time.monotonic()
    buildx.build(context, tag, {"PYTHON_IMAGE": base})
    return time.monotonic() - started


@contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="orchlab-app-") as scratch:
        context = Path(scratch) / "app"
        shutil.copytree(APP, context, ignore=shutil.ignore_patterns("__pycache__"))
        yield context
