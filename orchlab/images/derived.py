"""An image that differs from another one in a little, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import labels
from orchlab.images.store import Image, ImageStore


@contextmanager
def derived(
    images: ImageStore, parent: Image, kind: str, *, files: bytes = b"", changes: str | None = None
) -> Iterator[Image]:
    """An image for the length of the block; its tag begins with ``kind``.

    ``files``: a tar archive of what is put into its root directory; ``changes``: a line of a
    Dockerfile, as ``docker commit --change`` takes it.
    """
    client = images.client
    repository, tag = parent.reference.rpartition(":")[0], f"{kind}-{labels.LAB}"
    container = client.containers.create(parent.reference, labels=labels.labels())
    try:
        if files:
            container.put_archive("/", files)
        made = container.commit(repository, tag, changes=changes)
    finally:
        container.remove()
    try:
        yield Image(f"{repository}:{tag}", str(made.id))
    finally:
        client.images.remove(f"{repository}:{tag}", force=True)
