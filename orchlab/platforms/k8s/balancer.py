"""kind's balancer before several control planes, where its image cannot be pulled.

kind has the image's name in its program and pulls it unless the engine has one of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchlab.images.store import ImageStore

NAME = "kind-balancer"
"""In the catalogue."""
WANTED = "docker.io/envoyproxy/envoy:v1.36.2"
"""As kind v0.33 calls it (``Image`` in its pkg/cluster/internal/loadbalancer)."""


@contextmanager
def lent(images: ImageStore) -> Iterator[None]:
    """Let the engine have an image of the name that kind wants while the block runs.

    The name is taken back afterwards: what the lab builds is not what it says. An image
    that has it already is used and left alone. Raises what ``ImageStore.ensure`` raises.
    """
    if images.present(WANTED):
        yield
        return
    ours = images.ensure(NAME)
    repository, _, tag = WANTED.rpartition(":")
    images.client.images.get(ours.id).tag(repository, tag)
    try:
        yield
    finally:
        images.client.images.remove(WANTED, noprune=True)
