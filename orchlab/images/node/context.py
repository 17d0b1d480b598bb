"""The build context of the node image: this recipe, kind's base files, the programs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from orchlab.errors import OrchlabError
from orchlab.images.gobuild import source
from orchlab.images.node import programs

RECIPE = Path(__file__).resolve().parent / "recipe"
KIND_MODULE = "sigs.k8s.io/kind"
BASE_FILES = "images/base/files"
STORAGE_SOURCE = "pkg/build/nodeimage/const_storage.go"
STORAGE_IMAGES = {
    "storageProvisionerImage": "local-path-provisioner",
    "storageHelperImage": "busybox",
}


def assemble(directory: Path, arch: str) -> None:
    """Write the context for Linux on ``arch``, in place of what was there.

    Compiles what is not compiled yet. Raises ``CommandFailed`` or ``HostUnfit``.
    """
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(RECIPE, directory)
    programs.compile_into(directory / "bin", arch)
    kind = source(programs.KIND.directory, KIND_MODULE)
    copy_base_files(kind / BASE_FILES, directory / "kind-base")
    manifest = storage_manifest((kind / STORAGE_SOURCE).read_text(), images())
    (directory / "default-storage.yaml").write_text(manifest)


def images() -> dict[str, str]:
    """Name of each image that the node holds, without registry and tag -> reference."""
    entries = json.loads((RECIPE / "images.json").read_text())
    names = [str(entry["name"]) for entry in entries]
    return {name.rpartition("/")[2].partition(":")[0]: name for name in names}


def storage_manifest(go_source: str, references: dict[str, str]) -> str:
    """The default storage class out of kind's source, with the node's own images."""
    found = re.search(r"const defaultStorageManifest = `\n(.*)`\n", go_source, re.DOTALL)
    if not found:
        raise OrchlabError("kind's source holds no default storage manifest any more")
    text = found[1]
    for constant, name in STORAGE_IMAGES.items():
        text = text.replace(f"` + {constant} + `", references[name])
    if "`" in text:
        raise OrchlabError("kind's default storage manifest names an unknown image")
    return text


def copy_base_files(origin: Path, target: Path) -> None:
    """Copy with usable modes: a module's files are read-only and not executable."""
    shutil.copytree(origin, target, copy_function=shutil.copyfile)
    for path in (target, *target.rglob("*")):
        executable = path.is_dir() or path.parent.name == "bin"
        path.chmod(0o755 if executable else 0o644)
