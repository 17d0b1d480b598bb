"""Images by name, wherever they come from: pulled where a registry answers, else built."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import docker
from docker.errors import ImageNotFound

from orchlab import console, paths
from orchlab.apps import LABS_OWN, App
from orchlab.engine import host
from orchlab.errors import CommandFailed, OrchlabError, UsageError
from orchlab.host import revision
from orchlab.images import buildx, foreign
from orchlab.images.fingerprint import of_text, of_tree
from orchlab.paths import APP

if TYPE_CHECKING:
    from docker import DockerClient

    from orchlab.images.catalogue import Entry

Policy = Literal["auto", "pull", "build"]
"""auto: pull where a registry answers, else build. pull: never build. build: never pull."""

POLICIES: tuple[Policy, ...] = ("auto", "pull", "build")
PREFIX = "orchlab"
APP_VERSION = "1"
VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Image:
    """An image that the local engine has: ``reference`` (name:tag) and content ``id``."""

    reference: str
    id: str


class ImageStore:
    """Hands out the catalogue's images, pulling or building what is missing.

    Two labs on one engine share images: references name content, not a lab. An
    image's label names the lab that made it, and only that lab removes it. ``subject`` is
    the app that it hands out, and so the one that is deployed and measured.
    """

    def __init__(self, policy: Policy = "auto", subject: App = LABS_OWN) -> None:
        if policy not in POLICIES:
            raise UsageError(f"unknown image policy {policy!r}", f"one of {', '.join(POLICIES)}")
        self.policy: Policy = policy
        self.subject = subject

    @cached_property
    def client(self) -> DockerClient:
        """The engine named by the process environment."""
        return docker.from_env()

    def ensure(self, name: str) -> Image:
        """The catalogue's image ``name``, present in the local engine when this returns.

        Raises ``UnknownName``, ``CommandFailed`` when a pull or a build fails, and
        ``HostUnfit`` when the host cannot build.
        """
        if image := self.held(name):
            return image
        with paths.alone(place(name), f"is bringing the image {name}"):
            return self.held(name) or self._provide(name)

    def _provide(self, name: str) -> Image:
        from orchlab.images.catalogue import find

        entry = find(name)
        built, pulled = _references(name)
        if self.policy != "build" and self._pull(entry, pulled):
            return self.require(pulled)
        entry.recipe.build(built, self)
        return self.require(built)

    def held(self, name: str) -> Image | None:
        """The catalogue's image ``name`` if the engine has it; nothing is pulled or built."""
        built, pulled = _references(name)
        accepted = {"auto": (built, pulled), "pull": (pulled,), "build": (built,)}[self.policy]
        return next(filter(None, map(self.present, accepted)), None)

    def app(self, version: str = APP_VERSION, *, rebuild: bool = False) -> Image:
        """The app's image, the lab's own built from ``app/``; its tag changes with its content.

        ``version`` is what the app answers as its own. The commit is a label and no
        part of the tag: a commit that leaves ``app/`` alone rebuilds nothing. The first
        version is also tagged ``orchlab/app:current``, the default of ``stacks/`` and
        ``k8s/``. ``rebuild`` builds it even if the engine has it.
        Raises ``UsageError`` for a version that cannot be part of a tag and
        ``CommandFailed`` when the build fails.
        """
        if not VERSION.fullmatch(version):
            hint = "use at most 64 letters, digits, dots, dashes and underscores"
            raise UsageError(f"{version!r} cannot be an app version", hint)
        if self.subject.foreign:
            return foreign.provide(self.subject, version, self)
        python = self.ensure("python")
        reference = _app_reference(version, python)
        image = self.present(reference)
        if image is None or rebuild:
            arguments = {"PYTHON_IMAGE": python.reference, "APP_VERSION": version}
            buildx.build(APP, reference, arguments | {"COMMIT": revision(APP)})
            image = self.require(reference)
        if version == APP_VERSION:
            self.client.images.get(image.id).tag(f"{PREFIX}/app", "current")
        return image

    def held_app(self) -> Image | None:
        """The app's image, of the first version, if the engine has it; nothing is built."""
        python = self.held("python")
        return self.present(_app_reference(APP_VERSION, python)) if python else None

    def present(self, reference: str) -> Image | None:
        """The image if the engine has it; one question to the engine."""
        try:
            return Image(reference, str(self.client.images.get(reference).id))
        except ImageNotFound:
            return None

    def require(self, reference: str) -> Image:
        """The image; raises ``OrchlabError`` if the engine does not have it."""
        image = self.present(reference)
        if image is None:
            hint = "the engine may have lost it meanwhile: try again"
            raise OrchlabError(f"the engine has no image {reference}", hint)
        return image

    def _pull(self, entry: Entry, reference: str) -> bool:
        """Bring the public image; False if the recipe has to be used instead."""
        if self.policy == "auto" and not host.registry_answers():
            return False
        try:
            buildx.build(entry.adapter, reference, {"PUBLIC": entry.public}, "pull")
        except CommandFailed as error:
            if self.policy == "pull":
                error.hint = "no image registry may be reachable: try --images build"
                raise
            console.warn(f"{entry.public} could not be pulled, so it is built from packages")
            return False
        return True


def place(name: str) -> Path:
    """Of whoever provides the catalogue's image of that name: a directory to be locked."""
    directory = paths.cache_dir() / "images" / name
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _references(name: str) -> tuple[str, str]:
    """Of an image of the catalogue: as it is built, as it is pulled. Raises ``UnknownName``."""
    from orchlab.images.catalogue import find

    entry = find(name)
    return f"{PREFIX}/{name}:{entry.recipe.fingerprint()}", f"{PREFIX}/{name}:{entry.tag}"


def version_of(reference: str) -> str:
    """The app version that a reference of ``ImageStore.app`` names."""
    return reference.rpartition(":")[2].rpartition("-")[0]


def _app_reference(version: str, python: Image) -> str:
    return f"{PREFIX}/app:{version}-{of_text(of_tree(APP), python.reference)}"
