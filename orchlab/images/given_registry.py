"""How images get to nodes that are not this machine's: through a registry that both reach."""

from __future__ import annotations

from typing import Protocol

from orchlab import console
from orchlab.errors import UsageError
from orchlab.images import registry
from orchlab.images.store import Image, ImageStore


class ImageSource(Protocol):
    """An image registry that nodes pull from."""

    def push(self, image: Image) -> str:
        """Push an image; return the reference under which nodes pull it."""

    def reference(self, image: Image) -> str:
        """That reference, whether the image has been pushed or not."""


class GivenRegistry:
    """An image registry that this machine pushes to and somebody's nodes pull from.

    ``address`` is ``HOST:PORT``, or ``HOST:PORT=HOST:PORT`` where the nodes know it by
    another name, which then stands second. Without one, images that are asked for
    raise ``UsageError``.
    """

    def __init__(self, images: ImageStore, address: str) -> None:
        self.images = images
        self.here, _, there = address.partition("=")
        self.there = there or self.here
        self._pushed: set[str] = set()

    def push(self, image: Image) -> str:
        """Push an image by its tag; return the reference under which nodes pull it."""
        if not self.here:
            raise UsageError(
                "images reach nodes elsewhere only through an image registry",
                "name one with --registry HOST:PORT that both this machine and they reach",
            )
        if image.reference not in self._pushed:
            with console.step(f"push {image.reference} to {self.here}") as detail:
                client = self.images.client
                registry.send(client, image, f"{self.here}/{image.reference}", detail)
            self._pushed.add(image.reference)
        return self.reference(image)

    def reference(self, image: Image) -> str:
        """The reference under which nodes pull an image."""
        return f"{self.there}/{image.reference}"
