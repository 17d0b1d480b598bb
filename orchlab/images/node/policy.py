"""The recipe of a node image whose network enforces NetworkPolicies."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchlab.images import buildx, fingerprint, gobuild
from orchlab.images.gobuild import MODULES, GoBuild, Patch
from orchlab.images.gotool import engine_architecture
from orchlab.images.node import context
from orchlab.images.node.image import KindNode
from orchlab.images.store import ImageStore
from orchlab.paths import cache_dir

RECIPE = Path(__file__).resolve().parent / "cilium"
MODULE = "github.com/cilium/cilium"
SOURCE = MODULES / "cilium"
DEFINITIONS = "pkg/k8s/apis/cilium.io/client/crds"
LISTING = "modules/modules_linux.go"
"""The patch, and below ``PATCHED`` what it stands for."""
PATCHED = "pkg/datapath/linux"
TESTS = ("tests", "complexity-tests")
PACKER = "pack-images.sh"
PROGRAMS = {"cilium-agent": "daemon", "cilium-cni": "cilium-cni"}
"""Program as the image calls it -> what Go calls it."""

CILIUM = GoBuild(
    SOURCE,
    packages=[f"{MODULE}/daemon", f"{MODULE}/plugins/cilium-cni"],
    tags=["osusergo"],
    patch=Patch(MODULE, {f"{PATCHED}/{LISTING}": (SOURCE / LISTING).read_text()}),
)


class PolicyNode:
    """Cilium from its Go module in place of flannel, in the node image that the lab builds."""

    def build(self, reference: str, images: ImageStore) -> None:
        """Compile what is missing, then build the image; both go on where they stopped."""
        directory = cache_dir() / "policy-node"
        assemble(directory, engine_architecture(images.client))
        bases = {
            "NODE": ImageStore("build").ensure("kind-node").reference,
            "DEBIAN": images.ensure("debian").reference,
        }
        buildx.build(directory, reference, bases)

    def fingerprint(self) -> str:
        """Of the recipe's files, the node image below, its programs and their base."""
        from orchlab.images.catalogue import find

        bases = (KindNode(), find("debian").recipe)
        below = (each.fingerprint() for each in bases)
        return fingerprint.of_text(fingerprint.of_tree(RECIPE), CILIUM.fingerprint(), *below)


def assemble(directory: Path, arch: str) -> None:
    """Write the build context for Linux on ``arch``, in place of what was there.

    Compiles what is not compiled yet. Raises ``CommandFailed`` or ``HostUnfit``.
    """
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(RECIPE, directory)
    shutil.copy(context.RECIPE / PACKER, directory)
    (directory / "bin").mkdir()
    built = gobuild.build(CILIUM, arch)
    for name, program in PROGRAMS.items():
        shutil.copy(built / program, directory / "bin" / name)
    module = gobuild.source(SOURCE, MODULE)
    context.copy_base_files(module / "bpf", directory / "bpf")
    for name in TESTS:
        shutil.rmtree(directory / "bpf" / name)
    manifest = directory / "default-cni.yaml"
    manifest.write_text(with_definitions(manifest.read_text(), module / DEFINITIONS))


def with_definitions(manifest: str, directory: Path) -> str:
    """The manifest, and after it the definitions of resources in a directory of the module."""
    found = [path.read_text() for path in sorted(directory.glob("*/*.yaml"))]
    return "\n---\n".join([manifest, *(text.removeprefix("---\n") for text in found)])
