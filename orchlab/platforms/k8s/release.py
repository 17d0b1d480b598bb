"""A release as a kustomization over ``k8s/``: the few lines that differ, and no manifest."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from orchlab import credentials, paths
from orchlab.apps import LABS_OWN, App
from orchlab.platforms.base import DEFAULTS, HARDENED
from orchlab.platforms.k8s import kustomize
from orchlab.platforms.k8s.api import NAMESPACE

BASE = paths.K8S / "base"
VARIANTS = {DEFAULTS: BASE, HARDENED: paths.K8S / "overlays" / "hardened"}
GUEST = paths.K8S / "guest"
VARIANT_KEY = "orchlab.variant"
APP = "orchlab/app"
REDIS = "orchlab/redis"
CONFIG = paths.STACKS / "config" / "app.json"
KEY_NAME = "api_key"
PATCH = "app.yaml"
DEPLOYMENT = {"kind": "Deployment", "name": "web"}


def base_names() -> dict[str, str]:
    """Image name in the manifests -> the name that ``k8s/base`` gives it."""
    base = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    return {each["name"]: each["newName"] for each in base["images"]}


def kustomization(
    directory: Path, images: dict[str, str], replicas: int, variant: str, guest: str = ""
) -> dict[str, Any]:
    """What ``kustomize edit`` would write into ``directory``.

    ``images`` maps the manifests' image names to references that nodes can pull.
    The hardened variant's configuration and API key are files in ``directory``.
    ``guest`` is a namespace of somebody's cluster, when the release goes there.
    """
    known = base_names()
    content = kustomize.on(
        VARIANTS[variant],
        directory,
        namespace=guest or NAMESPACE,
        components=[kustomize.relative(GUEST, directory)] if guest else [],
        images=[kustomize.image(known[name], images[name]) for name in sorted(images)],
        replicas=[{"name": "web", "count": replicas}],
        patches=[],
    )
    return content | _generators() if variant == HARDENED else content


def _generators() -> dict[str, Any]:
    """Names with a hash: a changed value rolls the pods, and a revision keeps its own."""
    return {
        "configMapGenerator": [{"name": "config", "files": [CONFIG.name]}],
        "secretGenerator": [{"name": "api-key", "files": [KEY_NAME]}],
        "generatorOptions": {"immutable": True},
    }


def write(  # noqa: PLR0913 - what a release consists of
    directory: Path,
    images: dict[str, str],
    replicas: int,
    variant: str,
    guest: str = "",
    *,
    app: App = LABS_OWN,
) -> None:
    """Write the release into ``directory``; with the API key, so nobody else may enter it.

    Kustomize reads no file outside the directory, hence the copies.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    if variant == HARDENED:
        shutil.copyfile(CONFIG, directory / CONFIG.name)
        shutil.copyfile(credentials.api_key_file(), directory / KEY_NAME)
    content = kustomization(directory, images, replicas, variant, guest)
    if app.foreign:
        (directory / PATCH).write_text(yaml.safe_dump(app.patch(hardened=variant == HARDENED)))
        content["patches"].append({"target": DEPLOYMENT, "path": PATCH})
    kustomize.write(directory, content)


def declared(variant: str) -> list[dict[str, Any]]:
    """The app's Deployment as each file of the variant has it: the overlay's part, the base's."""
    folders = dict.fromkeys((VARIANTS[variant], BASE))
    return [_deployment(folder / "web.yaml") for folder in folders]


def _deployment(path: Path) -> dict[str, Any]:
    documents = yaml.safe_load_all(path.read_text())
    found: dict[str, Any] = next(each for each in documents if each["kind"] == "Deployment")
    return found
