"""What a shell needs so that plain ``docker``, ``docker compose`` and ``kubectl`` reach the lab."""

from __future__ import annotations

import os
import shlex

from orchlab import engine, labels
from orchlab.engine import packages
from orchlab.images.node import tools
from orchlab.images.store import ImageStore
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.nodes import Node

IMAGES = ("python", "redis", "haproxy", "registry")
OF_THE_ENGINE = ("DOCKER_HOST", "DOCKER_CONFIG")


def exports() -> list[str]:
    """Lines for a shell: the engine, the lab's name, its images, Swarm's and Kubernetes' way in.

    Provides the engine and these images. The last two ways lead somewhere once there is a
    Swarm or a cluster; ``kubectl`` is in ``PATH`` once the lab has taken it from a node image.
    """
    found = engine.ensure()
    images = ImageStore()
    search = [path.parent for path in tools.made().values()]
    if found.kind == "private":
        search.append(packages.bin_dirs(packages.prefix())[0])
    values = {name: os.environ[name] for name in OF_THE_ENGINE if name in os.environ}
    values |= {"LAB": labels.LAB, "MANAGER": Node("manager", 1, "").url}
    values |= {"KUBECONFIG": str(k8s_api.kubeconfig()), "APP_IMAGE": images.app().reference}
    values |= {f"{name.upper()}_IMAGE": images.ensure(name).reference for name in IMAGES}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    path = ":".join(shlex.quote(str(each)) for each in search)
    return [*lines, f"export PATH={path}:$PATH"] if path else lines
