"""Images to a file and back into a real engine."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import ImageNotFound

from orchlab import labels, paths, shell, tars
from orchlab.images import archive, image_archive
from orchlab.images.store import Image, ImageStore
from orchlab.wait import wait_until
from tests.live import commands

CONTENT = b"a small image\n" * 100_000
STARTED_S = 60.0


@pytest.fixture
def small(images: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Image]:
    """An image of one file, which the store holds under a name of the catalogue."""
    reference = f"orchlab/archive-test:{labels.LAB}"
    root = tmp_path / "root.tar"
    root.write_bytes(tars.of("file", CONTENT))
    words = [f"--change=LABEL {key}={value}" for key, value in labels.labels().items()]
    shell.run(["docker", "import", *words, root, reference])
    monkeypatch.setattr(ImageStore, "held", lambda self, _name: self.present(reference))
    yield images.require(reference)
    images.client.images.remove(reference)


def test_an_image_goes_to_another_engine_as_it_was(
    images: ImageStore, small: Image, tmp_path: Path
) -> None:
    """Removed here stands for never there: it comes back under its reference, the very same."""
    path = tmp_path / "images.tar"
    image_archive.save(images, path, "redis")
    images.client.images.remove(small.reference)
    with pytest.raises(ImageNotFound):
        images.client.images.get(small.reference)
    image_archive.load(images, path)
    assert images.present(small.reference) == small


def test_a_damaged_archive_changes_nothing(
    images: ImageStore, small: Image, tmp_path: Path
) -> None:
    """One byte in the middle, or the end cut off: refused, and the engine was not asked."""
    path = tmp_path / "images.tar"
    image_archive.save(images, path, "redis")
    images.client.images.remove(small.reference)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for content in (bytes(flipped), whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(archive.Unusable):
            image_archive.load(images, path)
        assert images.present(small.reference) is None
    path.write_bytes(whole)
    image_archive.load(images, path)


def test_a_user_can_do_it(images: ImageStore, tmp_path: Path) -> None:
    """The two commands as they are typed; what the engine saves by itself is not taken."""
    debian, path = images.ensure("debian"), tmp_path / "images.tar"
    said = commands.invoke("image-archive", "save", str(path), "--only=debian")
    assert debian.reference in said
    assert debian.reference in commands.invoke("image-archive", "load", str(path))
    shell.run(["docker", "image", "save", "--output", path, debian.reference])
    said = commands.invoke("image-archive", "load", str(path), status=1)
    assert [line for line in said.splitlines() if line.startswith("error:")]
    assert "no archive of this lab" in said
    assert "next: " in said


def test_an_interrupted_save_leaves_nothing(images: ImageStore, tmp_path: Path) -> None:
    """Ctrl-C while the engine is writing the largest image."""
    images.ensure("kind-node")
    with subprocess.Popen(
        [sys.executable, "-m", "invoke", "image-archive", "save", str(tmp_path / "images.tar")],
        cwd=paths.ROOT,
        env=commands.ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        wait_until(
            "the save has begun",
            lambda: list(tmp_path.rglob(".docker_temp*")) or process.poll() is not None,
            timeout=STARTED_S,
            pause=0.02,
        )
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    assert process.returncode == 130, output
    assert list(tmp_path.iterdir()) == []
