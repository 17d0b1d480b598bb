"""Kustomizations that the lab writes: the files of ``k8s/`` with what they leave open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from orchlab import labels


def on(resource: Path, directory: Path, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """A kustomization in ``directory`` on those of ``resource``, labelled; ``more``: its fields."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [relative(resource, directory)],
        "labels": [{"pairs": labels.labels("k8s")}],
        **more,
    }


def relative(path: Path, directory: Path) -> str:
    """A path as seen from ``directory``: kustomize accepts no absolute one."""
    return os.path.relpath(path.resolve(), directory.resolve())


def image(name: str, reference: str) -> dict[str, str]:
    """``reference`` in place of the image that the manifests call ``name``."""
    repository, _, tag = reference.rpartition(":")
    return {"name": name, "newName": repository, "newTag": tag}


def write(directory: Path, content: dict[str, Any]) -> None:
    """Write a kustomization into ``directory``, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(content, sort_keys=False)
    (directory / "kustomization.yaml").write_text(text)
