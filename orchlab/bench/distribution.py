"""A changed app on its way to three Kubernetes nodes: through the registry, and as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from orchlab import labels, shell, tars
from orchlab.bench.figure import Reading, Sides
from orchlab.bench.stopwatch import quiet, timed
from orchlab.images.node import tools
from orchlab.images.store import Image, ImageStore
from orchlab.platforms.k8s.adapter import Kubernetes

TAG = "changed"


@contextmanager
def sides(images: ImageStore) -> Iterator[Sides]:
    """Both bring an image that no node has; its other layers are in the registry and on them."""
    cluster = Kubernetes(images)
    changes = Changes(images, images.app())
    load = [str(tools.kind()), "load", "docker-image", f"--name={labels.LAB}"]
    try:
        cluster.prepare()
        cluster.create()
        cluster.publish(changes.app)
        yield Sides(
            ours=lambda: changes.sent(cluster.publish),
            other=lambda: changes.sent(
                lambda image: shell.run([*load, image.reference], on_line=quiet)
            ),
            knobs={"by hand": f"kind load docker-image --name={labels.LAB} IMAGE", "nodes": "3"},
        )
    finally:
        changes.remove()
        cluster.delete()


@dataclass
class Changes:
    """Images that differ from ``app`` in one small file, each in its own way."""

    images: ImageStore
    app: Image
    made: list[Image] = field(default_factory=list)

    def sent(self, send: Callable[[Image], object]) -> Reading:
        """What it takes to bring one that nobody has seen before."""
        image = self._change()
        return timed(lambda: send(image))

    def remove(self) -> None:
        """Take them from the engine."""
        for image in self.made:
            self.images.client.images.remove(image.reference, force=True)

    def _change(self) -> Image:
        client = self.images.client
        number = len(self.made) + 1
        container = client.containers.create(self.app.reference, labels=labels.labels())
        try:
            container.put_archive("/", tars.of("change.txt", f"change {number}\n".encode()))
            repository = self.app.reference.rpartition(":")[0]
            tag = f"{TAG}-{labels.LAB}-{number}"
            image = Image(f"{repository}:{tag}", str(container.commit(repository, tag).id))
        finally:
            container.remove()
        self.made.append(image)
        return image
