"""The way to a cluster: a kubeconfig, one of its contexts, and the app's namespace."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchlab.errors import UnknownName, UsageError
from orchlab.platforms.k8s import api as k8s_api

VARIABLE = "KUBECONFIG"
DEFAULT_NAMESPACE = "default"
"""What ``kubectl`` takes where neither the context nor an option names one."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the API is reached, and where in it the app is.

    ``sources`` is a kubeconfig as ``KUBECONFIG`` takes it: a path, or several with
    colons between them. It is read and never written. ``context`` is one of its
    contexts; empty for the current one.
    """

    sources: str
    context: str = ""
    namespace: str = k8s_api.NAMESPACE

    @property
    def environment(self) -> dict[str, str]:
        """What leads ``kubectl`` to the kubeconfig."""
        return {VARIABLE: self.sources}

    @property
    def flags(self) -> list[str]:
        """What leads ``kubectl`` to the context."""
        return [f"--context={self.context}"] if self.context else []


def own() -> Access:
    """The lab's own cluster, whether it is up or not."""
    return Access(str(k8s_api.kubeconfig()))


def find(context: str, namespace: str = "") -> Access | None:
    """The cluster that a context of the user's kubeconfig names; None if none is given.

    Without ``namespace`` the context's own one is meant, as for ``kubectl``. Raises
    ``UnknownName`` listing the contexts, and ``UsageError`` for a namespace alone.
    """
    if not context:
        if namespace:
            hint = f"name a cluster with --context; the lab's own has {k8s_api.NAMESPACE}"
            raise UsageError("--namespace is for a cluster elsewhere", hint)
        return None
    sources = os.environ.get(VARIABLE) or str(Path.home() / ".kube" / "config")
    known = _contexts(sources)
    if context not in known:
        raise UnknownName(f"context of {VARIABLE}={sources}:", context, known)
    return Access(
        sources, context, namespace or known[context].get("namespace") or DEFAULT_NAMESPACE
    )


def _contexts(sources: str) -> dict[str, dict[str, Any]]:
    """Name -> what it holds; where two files have the same one the first counts."""
    found: dict[str, dict[str, Any]] = {}
    for path in filter(None, sources.split(os.pathsep)):
        content = yaml.safe_load(Path(path).read_text()) if Path(path).exists() else None
        for each in (content or {}).get("contexts") or ():
            found.setdefault(each["name"], each.get("context") or {})
    return found
