"""All images of the lab to a file, and from there into the engine of another machine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import docker
from docker.errors import ImageLoadError

from orchlab import console, engine, paths
from orchlab.errors import OrchlabError, UnknownName, UsageError
from orchlab.images import archive
from orchlab.images.archive import Detail, Unusable
from orchlab.images.catalogue import CATALOGUE, usual
from orchlab.images.gobuild import place
from orchlab.images.gotool import architecture, engine_architecture
from orchlab.images.node import programs
from orchlab.images.store import Image, ImageStore
from orchlab.names import pick

ACTIONS = ("save", "load")
APP = "app"
ENGINE_SECONDS = 900
"""Patience with an engine that unpacks a gigabyte of layers and says nothing meanwhile."""
LOOK_SECONDS = 0.5


def run(action: str, path: Path, only: str = "") -> None:
    """Save what the engine has, or load it; raises as these two, or ``UsageError``."""
    if action not in ACTIONS:
        raise UnknownName("action", action, ACTIONS)
    if only and action == "load":
        raise UsageError("an archive is loaded as a whole", "leave out --only")
    engine.ensure()
    images = ImageStore()
    if action == "save":
        save(images, path, only)
    else:
        load(images, path)


def save(images: ImageStore, path: Path, only: str = "") -> None:
    """Write the images that the engine has, or one of them, and show which.

    ``path`` is replaced when all is written, and untouched until then. Raises
    ``UsageError`` for a path that cannot be written and ``OrchlabError`` when there is
    nothing to save.
    """
    paths.require_place(path)
    found = _present(images, only)
    with console.step(f"save {len(found)} images") as detail, paths.workplace(path) as work:
        made = work / path.name
        with _growth(work, detail):
            archive.write(made, found, engine_architecture(images.client), _programs(found), detail)
        made.replace(path)
    _show(f"{path}: {path.stat().st_size / 1e6:.0f} MB", found)


def load(images: ImageStore, path: Path) -> None:
    """Check an archive, then bring its images into the engine under their references.

    Raises ``UsageError`` if there is no such file, ``Unusable`` before anything is
    loaded, and ``OrchlabError`` when the engine refuses it all the same.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}", "name one that `image-archive save` wrote")
    with console.step(f"check {path}") as detail:
        index = archive.read(path, detail)
    here = engine_architecture(images.client)
    if index.architecture != here:
        raise Unusable(path, f"holds images for {index.architecture}, this engine runs {here}")
    with console.step(f"load {path}") as detail:
        _send(path, detail)
        for member, program in _places().items():
            if member in index.members:
                archive.extract(path, member, program)
    _show(f"loaded from {path}", index.images)
    for name, reference in index.images.items():
        images.require(reference)
        if _held(images, name) is None:
            console.warn(f"{reference} is of another version of the lab: this one makes its own")


def _send(path: Path, detail: Detail) -> None:
    with contextlib.closing(docker.from_env(timeout=ENGINE_SECONDS)) as client:
        try:
            # As requests does, it takes an iterator, too.
            client.images.load(archive.chunks(path, detail))  # type: ignore[arg-type]
        except ImageLoadError as error:
            hint = "`invoke doctor` shows the engine's state"
            raise OrchlabError(f"the engine could not load {path}: {error}", hint) from error


def _present(images: ImageStore, only: str) -> dict[str, str]:
    """Name -> reference of what there is to save; what is missing is said."""
    names = pick("image", only, (*CATALOGUE, APP))
    found = {name: image.reference for name in names if (image := _held(images, name))}
    missing = [name for name in (names if only else (*usual(), APP)) if name not in found]
    hint = "`invoke images` brings them into the engine"
    if not found or (only and missing):
        raise OrchlabError(f"the engine does not have {', '.join(missing)}", hint)
    if missing:
        console.warn(f"not there, so not saved: {', '.join(missing)}; {hint}")
    return found


def _held(images: ImageStore, name: str) -> Image | None:
    return images.held_app() if name == APP else images.held(name)


def _programs(found: Iterable[str]) -> dict[str, Path]:
    """Member -> program that this host would need beside the images: kind, for its nodes."""
    wanted = _places() if "kind-node" in found else {}
    return {member: path for member, path in wanted.items() if path.exists()}


def _places() -> dict[str, Path]:
    """Member -> where a host like this one looks for the program before it compiles it."""
    directory = place(programs.KIND)
    return {f"programs/{architecture()}/{directory.name}/kind": directory / "kind"}


@contextlib.contextmanager
def _growth(directory: Path, detail: Detail) -> Iterator[None]:
    """Tell how much there is below a directory, while something else fills it."""
    done = threading.Event()

    def look() -> None:
        said = 0
        while not done.wait(LOOK_SECONDS):
            with contextlib.suppress(FileNotFoundError):  # the engine's client renames its file
                if (written := sum(each.stat().st_size for each in directory.iterdir())) > said:
                    detail(f"{written / 1e6:.0f} MB written")
                    said = written

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _show(title: str, references: Mapping[str, str]) -> None:
    console.table(title, ("name", "reference"), references.items())
