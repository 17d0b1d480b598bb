"""Every image that the lab uses: where it is public, and how to build it from packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from orchlab.errors import UnknownName
from orchlab.images.gobuild import MODULES, GoBuild
from orchlab.images.goimage import GoImage
from orchlab.images.node import KindNode
from orchlab.images.node.policy import PolicyNode
from orchlab.images.recipes import DOCKERFILES, Dockerfile, Recipe, Rootfs

BASE: Mapping[str, str] = MappingProxyType({"DEBIAN": "debian"})
"""All recipes stand on one base, so that its layer is built, stored and pushed once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One image: its ``public`` reference, pinned by tag, and its ``recipe``.

    Both have the same interface for what the lab does with them. ``adapter`` is
    the build that turns the public image into the lab's: it adds the labels, and
    where needed evens out a difference. ``optional``: brought only by its name.
    """

    public: str
    recipe: Recipe
    adapter: Path = DOCKERFILES / "public"
    optional: bool = False

    @property
    def tag(self) -> str:
        """The public reference's tag."""
        return self.public.rpartition(":")[2]


def _on_debian(name: str) -> Dockerfile:
    return Dockerfile(DOCKERFILES / name, BASE)


METRICS_SERVER = GoBuild(
    MODULES / "metrics-server", packages=["sigs.k8s.io/metrics-server/cmd/metrics-server"]
)

CATALOGUE: dict[str, Entry] = {
    "debian": Entry("debian:trixie-20260918-slim", Rootfs("trixie")),
    "python": Entry("python:3.13.16-slim-trixie", _on_debian("python")),
    "redis": Entry("redis:8.0.4", _on_debian("redis")),
    "haproxy": Entry("haproxy:3.0.28", _on_debian("haproxy")),
    "registry": Entry("registry:2.8.3", _on_debian("registry")),
    "swarm-node": Entry(
        "docker:28.5.2-dind", _on_debian("swarm-node"), DOCKERFILES / "public-swarm-node"
    ),
    "kind-node": Entry("kindest/node:v1.37.0", KindNode()),
    # kind's own network enforces policies, so this is the same public image.
    "kind-node-policy": Entry("kindest/node:v1.37.0", PolicyNode(), optional=True),
    "metrics-server": Entry(
        "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
        GoImage(METRICS_SERVER, _on_debian("metrics-server")),
    ),
    "kind-balancer": Entry(
        "envoyproxy/envoy:v1.36.2",
        Dockerfile(DOCKERFILES / "kind-balancer", {"HAPROXY": "haproxy"}),
    ),
}


def usual() -> list[str]:
    """The names of all images but the optional ones."""
    return [name for name, entry in CATALOGUE.items() if not entry.optional]


def find(name: str) -> Entry:
    """The entry of that name; raises ``UnknownName`` listing the valid ones."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UnknownName("image", name, sorted(CATALOGUE)) from None
