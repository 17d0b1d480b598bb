"""What Kubernetes' tests run in pods: one image, under each of the names that they ask for."""

from __future__ import annotations

import shutil

from orchlab.images import buildx, fingerprint, gobuild
from orchlab.images.gobuild import MODULES, GoBuild
from orchlab.images.gotool import engine_architecture
from orchlab.images.recipes import DOCKERFILES
from orchlab.images.registry import Registry
from orchlab.images.store import PREFIX, Image, ImageStore
from orchlab.paths import cache_dir

MODULE = "k8s.io/kubernetes"
SOURCE = "test/images/agnhost"
AGNHOST = GoBuild(MODULES / "e2e", packages=[f"{MODULE}/{SOURCE}"])
RECIPE = DOCKERFILES / "agnhost"
CERTIFICATES = ("localhost.crt", "localhost.key")
"""Of its subcommand ``porter``; a well-known pair for tests."""

REPOSITORY = "e2e-test-images"
STANDS_FOR = ("agnhost", "busybox", "glibc-dns-testing")
"""The tests' names for images that this one has all the programs of."""


def ensure(images: ImageStore) -> Image:
    """The image, built if the engine does not have it; raises ``CommandFailed``, ``HostUnfit``."""
    debian = images.ensure("debian").reference
    parts = (fingerprint.of_tree(RECIPE), AGNHOST.fingerprint(), debian)
    reference = f"{PREFIX}/agnhost:{fingerprint.of_text(*parts)}"
    if image := images.present(reference):
        return image
    directory = cache_dir() / "agnhost"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(RECIPE, directory)
    arch = engine_architecture(images.client)
    shutil.copy(gobuild.build(AGNHOST, arch) / "agnhost", directory)
    source = gobuild.source(AGNHOST.directory, MODULE) / SOURCE / "porter"
    for name in CERTIFICATES:
        shutil.copyfile(source / name, directory / name)
    buildx.build(directory, reference, {"DEBIAN": debian})
    return images.require(reference)


def location(registry: Registry) -> str:
    """Where nodes find the tests' images, instead of in the public registry."""
    return f"{registry.host}/{REPOSITORY}"


def publish(registry: Registry, image: Image, wanted: list[str]) -> None:
    """Push the image under every name in ``wanted`` that it stands for.

    These are references as the program with the tests lists them.
    """
    for name in names(location(registry), wanted):
        registry.push(Image(f"{REPOSITORY}/{name}", image.id))


def names(where: str, wanted: list[str]) -> list[str]:
    """``name:tag`` of those references below ``where`` for which there is an image."""
    below = (each.removeprefix(f"{where}/") for each in wanted if each.startswith(f"{where}/"))
    return sorted(each for each in below if each.partition(":")[0] in STANDS_FOR)
