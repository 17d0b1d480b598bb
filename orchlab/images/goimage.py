"""The recipe of an image around programs from Go modules."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchlab.images.fingerprint import of_text
from orchlab.images.gobuild import GoBuild, build
from orchlab.images.gotool import engine_architecture
from orchlab.images.recipes import Dockerfile
from orchlab.paths import cache_dir

if TYPE_CHECKING:
    from orchlab.images.store import ImageStore


@dataclass(frozen=True, slots=True)
class GoImage:
    """``dockerfile``, whose context has the programs of ``programs`` in ``bin/``."""

    programs: GoBuild
    dockerfile: Dockerfile

    def build(self, reference: str, images: ImageStore) -> None:
        """Compile for the engine's architecture what is not compiled yet, then build the image."""
        compiled = build(self.programs, engine_architecture(images.client))
        context = cache_dir() / "context" / self.dockerfile.directory.name
        shutil.rmtree(context, ignore_errors=True)
        shutil.copytree(self.dockerfile.directory, context)
        shutil.copytree(compiled, context / "bin")
        Dockerfile(context, self.dockerfile.bases).build(reference, images)

    def fingerprint(self) -> str:
        """Of the Dockerfile's context, its bases, and how the programs are compiled."""
        return of_text(self.dockerfile.fingerprint(), self.programs.fingerprint())
