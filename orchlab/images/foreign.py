"""Somebody's app as the lab's images: labelled, and in versions that differ in a variable alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab import console, shell
from orchlab.apps import App
from orchlab.images import buildx
from orchlab.images.fingerprint import of_text, of_tree
from orchlab.images.recipes import DOCKERFILES

if TYPE_CHECKING:
    from orchlab.images.store import Image, ImageStore

BASE_ARGUMENT = "DEBIAN"
"""Build argument with the lab's Debian, for Dockerfiles that work without an image registry."""
ID_DIGITS = 12


def provide(app: App, version: str, images: ImageStore) -> Image:
    """The app as that ``version``, present in the engine when this returns.

    The content of both versions is the same; APP_VERSION in the environment differs, so that
    an update has something to do. Raises ``CommandFailed`` when a build or a pull fails.
    """
    base = _built(app, images) if app.build else _present(app.image, images)
    digits = base.id.removeprefix("sha256:")[:ID_DIGITS]
    reference = f"orchlab/own-{app.name}:{version}-{digits}"
    if image := images.present(reference):
        return image
    arguments = {"APP_IMAGE": base.reference, "APP_VERSION": version}
    buildx.build(DOCKERFILES / "own", reference, arguments)
    return images.require(reference)


def _built(app: App, images: ImageStore) -> Image:
    """The build context as an image; one that did not change is not built again."""
    assert app.build  # noqa: S101 - by the caller
    debian = images.ensure("debian").reference
    reference = f"orchlab/own-{app.name}:built-{of_text(of_tree(app.build), debian)}"
    if not images.present(reference):
        buildx.build(app.build, reference, {BASE_ARGUMENT: debian})
    return images.require(reference)


def _present(reference: str, images: ImageStore) -> Image:
    """An image of the engine's, or of a registry."""
    if not images.present(reference):
        with console.step(f"pull {reference}") as detail:
            shell.run(["docker", "pull", reference], on_line=detail)
    return images.require(reference)
