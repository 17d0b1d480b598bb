"""One adapter per orchestrator; only this registry knows them all."""

from __future__ import annotations

from collections.abc import Callable

from orchlab.platforms.base import Platform
from orchlab.platforms.compose.adapter import Compose
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.swarm.adapter import Swarm

PLATFORMS: dict[str, Callable[..., Platform]] = {
    "compose": Compose,
    "swarm": Swarm,
    "k8s": Kubernetes,
}
