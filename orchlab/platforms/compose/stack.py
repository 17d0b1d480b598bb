"""What a stack file leaves open, and how the answers are read back from what runs.

No file remembers a deployment: an update or a change of scale that comes later finds
image, variant and ports on the containers themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchlab.paths import STACKS
from orchlab.platforms.base import DEFAULTS, HARDENED
from orchlab.platforms.compose.ports import joined

PLATFORM = "compose"
FILES: Mapping[str, Path] = MappingProxyType(
    {DEFAULTS: STACKS / "compose.yaml", HARDENED: STACKS / "compose.hardened.yaml"}
)
REPLICAS: Mapping[str, int] = MappingProxyType({DEFAULTS: 1, HARDENED: 3})
"""How many each file runs unless it is told."""

ENTRIES: Mapping[str, str] = MappingProxyType({DEFAULTS: "web", HARDENED: "edge"})
"""The service that publishes its only port, the one on which clients come in."""

PLACES = 19
"""Replicas that the edge has room for, one place being kept for updates (``edge/haproxy.cfg``)."""

PROJECT_KEY = "com.docker.compose.project"
SERVICE_KEY = "com.docker.compose.service"
VARIANT_KEY = "orchlab.variant"
PREVIOUS_KEY = "orchlab.previous"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of the stack.

    ``image``, ``previous``, ``redis`` and ``haproxy`` are image references: what web runs,
    what it ran before (may be empty), and the others (empty for the file's own).
    ``port`` is the published port or block of ports (empty: the engine chooses).
    """

    variant: str
    image: str
    replicas: int
    port: str = ""
    previous: str = ""
    redis: str = ""
    haproxy: str = ""

    @property
    def entries(self) -> int:
        """How many ports it publishes: the edge's, or without an edge one for each replica."""
        return 1 if self.variant == HARDENED else self.replicas

    def variables(self) -> dict[str, str]:
        """Values for the file's variables; what is empty stays at its default."""
        own = {
            DEFAULTS: {"WEB_PORT": self.port},
            HARDENED: {"EDGE_PORT": self.port, "HAPROXY_IMAGE": self.haproxy},
        }
        given = {
            "APP_IMAGE": self.image,
            "REDIS_IMAGE": self.redis,
            "WEB_REPLICAS": str(self.replicas),
            "PREVIOUS_IMAGE": self.previous,
            **own[self.variant],
        }
        return {key: value for key, value in given.items() if value}


def read_back(containers: Iterable[Mapping[str, Any]]) -> Deployment | None:
    """What the containers (``inspect`` answers) say was deployed; None without any web.

    In the middle of an update, it is what most replicas run.
    """
    by_service: dict[str, list[Mapping[str, Any]]] = {}
    for each in containers:
        by_service.setdefault(each["Config"]["Labels"][SERVICE_KEY], []).append(each)
    web = by_service.get("web", [])
    if not web:
        return None
    image = _commonest(each["Config"]["Image"] for each in web)
    chosen = next(each for each in web if each["Config"]["Image"] == image)
    marks = chosen["Config"]["Labels"]
    parts = {name: by_service[name][0]["Config"]["Image"] for name in by_service}
    return Deployment(
        variant=marks.get(VARIANT_KEY, DEFAULTS),
        image=image,
        replicas=len(web),
        port=_asked_port(by_service),
        previous=marks.get(PREVIOUS_KEY, ""),
        redis=parts.get("redis", ""),
        haproxy=parts.get("edge", ""),
    )


def _asked_port(by_service: Mapping[str, list[Mapping[str, Any]]]) -> str:
    """The port or block that the entry containers ask for; empty when that is unclear."""
    return joined(
        asked["HostPort"]
        for service in ENTRIES.values()
        for each in by_service.get(service, [])
        for bound in (each["HostConfig"]["PortBindings"] or {}).values()
        for asked in bound or []
    )


def _commonest(values: Iterable[str]) -> str:
    return Counter(values).most_common(1)[0][0]
