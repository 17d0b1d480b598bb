"""A release as a kustomization over ``k8s/base``: the few lines that differ, and no manifest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from orchlab import labels, paths

BASE = paths.K8S / "base"
APP = "orchlab/app"
REDIS = "orchlab/redis"


def base_names() -> dict[str, str]:
    """Image name in the manifests -> the name that ``k8s/base`` gives it."""
    base = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    return {each["name"]: each["newName"] for each in base["images"]}


def kustomization(directory: Path, images: dict[str, str], replicas: int) -> dict[str, Any]:
    """What ``kustomize edit set image|replicas|label`` would write into ``directory``.

    ``images`` maps the manifests' image names to references that nodes can pull.
    """
    known = base_names()
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(BASE.resolve(), directory.resolve())],
        "images": [_image(known[name], images[name]) for name in sorted(images)],
        "replicas": [{"name": "web", "count": replicas}],
        "labels": [{"pairs": labels.labels("k8s")}],
    }


def _image(name: str, reference: str) -> dict[str, str]:
    repository, _, tag = reference.rpartition(":")
    return {"name": name, "newName": repository, "newTag": tag}


def write(directory: Path, images: dict[str, str], replicas: int) -> None:
    """Write the release's ``kustomization.yaml`` into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    content = kustomization(directory, images, replicas)
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
