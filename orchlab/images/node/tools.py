"""kind and kubectl for this host, without installing anything on it."""

from __future__ import annotations

import platform
import re
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

import docker
from docker.models.containers import Container

from orchlab import console, labels, shell
from orchlab.errors import CommandFailed, HostUnfit, OrchlabError
from orchlab.images.gobuild import build, place
from orchlab.images.node import programs
from orchlab.images.node.context import KIND_MODULE
from orchlab.paths import cache_dir

KUBECTL = "/usr/bin/kubectl"


def kind() -> Path:
    """Return kind in the lab's minor version: from PATH if it is there, else compiled."""
    wanted = programs.KIND.version(KIND_MODULE)
    found = shutil.which("kind")
    if found and same_minor(_said_version(found), wanted):
        return Path(found)
    return build(programs.KIND) / "kind"


def made() -> dict[str, Path]:
    """Name -> path of what the lab has made for itself so far; makes nothing."""
    kinds = [place(programs.KIND) / "kind"]
    kubectls = (cache_dir() / "kubectl").glob("*/kubectl")
    newest = sorted((*kinds, *kubectls), key=lambda path: path.exists() and path.stat().st_mtime)
    return {path.name: path for path in newest if path.exists()}


def same_minor(said: str, wanted: str) -> bool:
    """Whether ``kind version`` names the minor version of ``wanted`` (``v0.33.0``)."""
    found = re.match(r"kind (v\d+\.\d+)\.", said)
    return found is not None and wanted.startswith(f"{found[1]}.")


def kubectl(node_image: str) -> Path:
    """The kubectl of a node image, so that it fits the cluster's version.

    It is kept by the image's id. Raises ``HostUnfit`` on a host that is not Linux
    and has none of its own, ``docker.errors.ImageNotFound`` for an unknown image.
    """
    if platform.system() != "Linux":
        return _own_kubectl()
    client = docker.from_env()
    image = client.images.get(node_image)
    target = cache_dir() / "kubectl" / str(image.id).rpartition(":")[2][:12] / "kubectl"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    container = client.containers.create(node_image, labels=labels.labels())
    try:
        with console.step(f"take kubectl out of {node_image}"):
            _extract(container, target)
    finally:
        container.remove(v=True)
    return target


def _own_kubectl() -> Path:
    found = shutil.which("kubectl")
    if not found:
        raise HostUnfit("kubectl is missing", "install kubectl, then run the command again")
    return Path(found)


def _said_version(program: str) -> str:
    try:
        return shell.run([program, "version"], echo=False)
    except CommandFailed:
        return ""


def _extract(container: Container, target: Path) -> None:
    """Write the program that ``KUBECTL`` is, or links to, under its own name.

    The name matters: a program of several components acts as what it is called by.
    """
    path = KUBECTL
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as scratch:
        partial = Path(scratch) / "kubectl"
        while link := _fetch(container, path, partial):
            path = str(PurePosixPath(path).parent / link)
        partial.chmod(0o755)
        partial.replace(target)


def _fetch(container: Container, path: str, target: Path) -> str:
    """Write a file of the container; for a symbolic link only return where it leads."""
    stream, _ = container.get_archive(path)
    archive = target.with_suffix(".tar")
    with archive.open("wb") as sink:
        sink.writelines(stream)
    with tarfile.open(archive) as tar:
        member = tar.next()
        if member is None:
            raise OrchlabError(f"{path} is missing in the node image")
        if member.issym():
            return member.linkname
        content = tar.extractfile(member)
        if content is None:
            raise OrchlabError(f"{path} in the node image is not a file")
        with target.open("wb") as sink:
            shutil.copyfileobj(content, sink)
    return ""
