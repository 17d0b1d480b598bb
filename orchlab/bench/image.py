"""The app's image against its base plus its dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from orchlab.bench.figure import Reading, Sides
from orchlab.images import layers
from orchlab.images.store import ImageStore

MB = 1e6


@contextmanager
def sides(images: ImageStore) -> Iterator[Sides]:
    """Unpacked sizes, as the engine reports them."""
    app, base = images.app().reference, images.ensure("python").reference
    found = layers.read(images, app, base)
    detail = {"layers": [asdict(each) for each in found]}
    yield Sides(
        ours=lambda: Reading(layers.total(found) / MB, detail),
        other=lambda: Reading(layers.total(found, "base", "dependencies") / MB),
        knobs={"image": app, "base": base},
    )
