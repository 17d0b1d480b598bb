"""This machine's images, where the nodes of a cluster can pull them."""

from __future__ import annotations

from typing import Protocol

from orchlab.images.registry import Registry
from orchlab.images.store import Image, ImageStore


class Publishes(Protocol):
    """A platform whose nodes pull from the lab's registry."""

    images: ImageStore
    registry: Registry

    def publish(self, image: Image) -> None:
        """Make an image available to every node."""


def for_nodes(platform: Publishes, reference: str) -> str:
    """What a node is told to pull: from the lab's registry what this engine has.

    Any other image is left to the node, and to the registry that its name says.
    """
    tagged = reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"
    image = platform.images.present(tagged)
    if image is None:
        return reference
    platform.publish(image)
    return platform.registry.reference(image)
