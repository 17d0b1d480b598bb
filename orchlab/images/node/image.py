"""The recipe of the node image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import docker
from docker.errors import ImageNotFound

from orchlab.images import buildx, fingerprint
from orchlab.images.gotool import engine_architecture
from orchlab.images.node import context, programs
from orchlab.images.recipes import Rootfs
from orchlab.images.store import PREFIX
from orchlab.paths import cache_dir

if TYPE_CHECKING:
    from orchlab.images.store import ImageStore

BASE = Rootfs(
    "bookworm",  # its systemd is the last one that runs on cgroup v1
    (
        *("systemd", "systemd-sysv", "hostname", "kmod", "mount", "procps", "util-linux"),
        *("conntrack", "ethtool", "iproute2", "iptables", "nftables"),
        *("containernetworking-plugins", "runc", "ca-certificates", "jq"),
        *("busybox-static", "zstd"),  # for the images that the node holds
    ),
)


class KindNode:
    """Kubernetes from Go modules on Debian, assembled as ``kind build node-image`` does."""

    def build(self, reference: str, images: ImageStore) -> None:
        """Compile what is missing, then build the image; both go on where they stopped."""
        client = docker.from_env()
        directory = cache_dir() / "node"
        context.assemble(directory, engine_architecture(client))
        base = f"{PREFIX}/kind-base:{BASE.fingerprint()}"
        try:
            client.images.get(base)
        except ImageNotFound:
            BASE.build(base, images)
        buildx.build(directory, reference, {"BASE": base})

    def fingerprint(self) -> str:
        """Of the recipe's files, its base and every program."""
        builds = {**programs.all_builds(), "kind": programs.KIND}
        compiled = (f"{name}={spec.fingerprint()}" for name, spec in sorted(builds.items()))
        recipe = fingerprint.of_tree(context.RECIPE)
        return fingerprint.of_text(recipe, BASE.fingerprint(), *compiled)
