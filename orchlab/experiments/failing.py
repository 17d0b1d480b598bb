"""An image that boots, and answers every request with 404: health checks too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import labels
from orchlab.images.store import Image, ImageStore

SERVES_404 = 'CMD ["python3", "-m", "http.server", "8000"]'
TAG = "failing"


@contextmanager
def failing(images: ImageStore, app: Image) -> Iterator[Image]:
    """The app's image with another command, for the length of the block."""
    client = images.client
    container = client.containers.create(app.reference, labels=labels.labels())
    try:
        repository = app.reference.rpartition(":")[0]
        made = container.commit(repository, f"{TAG}-{labels.LAB}", changes=SERVES_404)
    finally:
        container.remove()
    image = Image(f"{repository}:{TAG}-{labels.LAB}", str(made.id))
    try:
        yield image
    finally:
        client.images.remove(image.reference, force=True)
