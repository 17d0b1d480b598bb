"""What an image consists of: its layers, what made each, and what they are for."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from orchlab import shell
from orchlab.errors import OrchlabError
from orchlab.images.store import ImageStore

Part = Literal["base", "dependencies", "code"]

ENVIRONMENT = "/venv"
"""Where the app's Dockerfiles install the dependencies; only the layer of these names it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: ``digest`` of its content, ``size`` in bytes unpacked, what made it.

    ``part`` is the base that the image stands on, its dependencies, or the code and
    whatever else the Dockerfile adds.
    """

    digest: str
    size: int
    made_by: str
    part: Part


def read(images: ImageStore, reference: str, base: str) -> list[Layer]:
    """The layers of an image that stands on the image ``base``, lowest first."""
    below = len(_digests(images, base))
    if _digests(images, reference)[:below] != _digests(images, base):
        raise OrchlabError(f"{reference} does not stand on {base}", "build it again")
    history = images.client.images.get(reference).history()
    return join(_config(reference), history, below)


def join(
    config: Mapping[str, Any], history: Sequence[Mapping[str, Any]], below: int
) -> list[Layer]:
    """Layers from an image's configuration and from the engine's answer, newest first.

    Only the first tells steps that made a layer from those that made none, only the
    second tells sizes. The lowest ``below`` layers are the base's.
    """
    steps = zip(config["history"], reversed(history), strict=True)
    sizes = [(step.get("created_by", ""), seen["Size"]) for step, seen in steps if _filled(step)]
    digests = config["rootfs"]["diff_ids"]
    return [
        Layer(digest, size, _legible(made_by), _part(made_by, position < below))
        for position, (digest, (made_by, size)) in enumerate(zip(digests, sizes, strict=True))
    ]


def total(layers: Iterable[Layer], *parts: Part) -> int:
    """Bytes of all layers, or of those that belong to some parts."""
    return sum(each.size for each in layers if not parts or each.part in parts)


def ratio(layers: Sequence[Layer]) -> float:
    """The image's size as a multiple of its base plus its dependencies."""
    return total(layers) / total(layers, "base", "dependencies")


def _part(made_by: str, in_base: bool) -> Part:  # noqa: FBT001 - a fact, not a mode
    if in_base:
        return "base"
    return "dependencies" if ENVIRONMENT in made_by else "code"


def _filled(step: Mapping[str, Any]) -> bool:
    return not step.get("empty_layer", False)


def _legible(made_by: str) -> str:
    """An instruction as the Dockerfile has it, on one line."""
    text = made_by.replace("/bin/sh -c #(nop)", "").replace("RUN /bin/sh -c", "RUN")
    return " ".join(text.removesuffix("# buildkit").split()) or "imported"


def _digests(images: ImageStore, reference: str) -> list[str]:
    attributes = images.client.images.get(reference).attrs
    return [str(digest) for digest in attributes["RootFS"]["Layers"]]


def _config(reference: str) -> dict[str, Any]:
    """The image's configuration: the engine hands it out only along with the image."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "image.tar"
        shell.run(["docker", "image", "save", "--output", archive, reference], echo=False)
        with tarfile.open(archive) as tar:
            manifest = json.load(_member(tar, "manifest.json"))
            config: dict[str, Any] = json.load(_member(tar, manifest[0]["Config"]))
    return config


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    found = tar.extractfile(name)
    if found is None:
        raise OrchlabError(f"{name} in the saved image is not a file")
    return found
