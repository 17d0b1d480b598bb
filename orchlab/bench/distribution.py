"""A changed app on its way to three Kubernetes nodes: through the registry, and as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from orchlab import labels, shell, tars
from orchlab.bench.figure import Reading, Sides
from orchlab.bench.stopwatch import quiet, timed
from orchlab.images.derived import derived
from orchlab.images.node import tools
from orchlab.images.store import Image, ImageStore
from orchlab.platforms.k8s.adapter import Kubernetes


@contextmanager
def sides(images: ImageStore) -> Iterator[Sides]:
    """Both bring an image that no node has; its other layers are in the registry and on them."""
    cluster, app = Kubernetes(images), images.app()
    load = [str(tools.kind()), "load", "docker-image", f"--name={labels.LAB}"]

    def sent(send: Callable[[Image], object]) -> Reading:
        """What it takes to bring one that nobody has seen before: it differs in a small file."""
        unseen = uuid4().hex
        files = tars.of("change.txt", unseen.encode())
        with derived(images, app, f"changed-{unseen}", files=files) as image:
            return timed(lambda: send(image))

    try:
        cluster.prepare()
        cluster.create()
        cluster.publish(app)
        yield Sides(
            ours=lambda: sent(cluster.publish),
            other=lambda: sent(lambda image: shell.run([*load, image.reference], on_line=quiet)),
            knobs={"by hand": f"kind load docker-image --name={labels.LAB} IMAGE", "nodes": "3"},
        )
    finally:
        cluster.delete()
