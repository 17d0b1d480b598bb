"""A pod in the pod network, and one in its node's own: what each finds of a Service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import labels
from orchlab.images.store import Image
from orchlab.platforms.capabilities import Peer
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.running import Running

ELSEWHERE = "default"
NAME = "client"
READY = "60s"
OF_HOST = {"pod network": False, "hostNetwork": True}


class NetworkModes(Running):
    """The two networks that a pod can be in."""

    network_modes = tuple(OF_HOST)

    @contextmanager
    def peers(self, mode: str, image: Image) -> Iterator[Peer]:
        """A pod in that network; its peer is the app's Service."""
        run, image_there = self.control.run, f"--image={self.registry.reference(image)}"
        wanted = json.dumps({"apiVersion": "v1", "spec": {"hostNetwork": OF_HOST[mode]}})
        flags = [f"--labels={labels.KEY}={labels.LAB}", "--restart=Never", f"--overrides={wanted}"]
        service = self.control.api.service(NAMESPACE, "web")
        try:
            run("run", NAME, "-n", ELSEWHERE, *flags, image_there, "--", "sleep", "300")
            ready = ("--for=condition=Ready", f"--timeout={READY}")
            run("wait", f"pod/{NAME}", "-n", ELSEWHERE, *ready)
            yield Peer(
                lambda *words: run("exec", "-n", ELSEWHERE, NAME, "--", *words, echo=False),
                name=f"web.{NAMESPACE}",
                address=str(service.spec.cluster_ip),
                port=80,
            )
        finally:
            run("delete", "pod", NAME, "-n", ELSEWHERE, "--now", "--ignore-not-found")
