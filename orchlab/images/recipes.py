"""How an image is made from packages where no image registry answers.

A recipe's ``build`` leaves the given reference in the local engine, labelled; its
``fingerprint`` becomes part of that reference, so a changed recipe is a new image
and an unchanged one is never built twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchlab.images import buildx, rootfs
from orchlab.images.fingerprint import of_text, of_tree

if TYPE_CHECKING:
    from orchlab.images.store import ImageStore

DOCKERFILES = Path(__file__).resolve().parent / "dockerfiles"


class Recipe(Protocol):
    """One way to make an image from packages."""

    def build(self, reference: str, images: ImageStore) -> None:
        """Make ``reference`` in the local engine, labelled as the lab's.

        ``images`` hands out the images that this one stands on. Resumable: what
        an interrupted build finished is not done again. Raises ``CommandFailed``
        or ``HostUnfit``.
        """

    def fingerprint(self) -> str:
        """A short word, valid in a tag, that changes when the outcome should."""


@dataclass(frozen=True, slots=True)
class Rootfs:
    """A minimal Debian ``suite`` and ``packages``, without an image below it."""

    suite: str
    packages: tuple[str, ...] = ()

    def build(self, reference: str, images: ImageStore) -> None:  # noqa: ARG002 - it needs no base
        """Bootstrap the suite into a cached tarball and import that."""
        name = f"{self.suite}-{self.fingerprint()}.tar"
        rootfs.import_image(rootfs.tarball(name, self.suite, self.packages), reference)

    def fingerprint(self) -> str:
        """Of the suite, the packages and the way of bootstrapping."""
        return of_text(self.suite, *self.packages, *rootfs.OPTIONS)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A build context; ``bases`` maps build arguments to names of the catalogue.

    A ``RUN`` may mount the secrets that ``orchlab.images.buildx`` describes.
    """

    directory: Path
    bases: Mapping[str, str] = field(default_factory=dict)

    def build(self, reference: str, images: ImageStore) -> None:
        """Build the context on the catalogue's bases."""
        arguments = {arg: images.ensure(name).reference for arg, name in self.bases.items()}
        buildx.build(self.directory, reference, arguments)

    def fingerprint(self) -> str:
        """Of every file in the context and of the bases' recipes."""
        from orchlab.images.catalogue import find

        below = (f"{arg}={find(name).recipe.fingerprint()}" for arg, name in self.bases.items())
        return of_text(of_tree(self.directory), *sorted(below))
