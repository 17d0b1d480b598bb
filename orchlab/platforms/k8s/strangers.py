"""Pods that are no part of the app, in a namespace of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import labels
from orchlab.images.store import Image
from orchlab.platforms.capabilities import Stranger
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.running import Running

ELSEWHERE = "default"
READY = "60s"


class Strangers(Running):
    """A pod of nobody's: the pod network is one for all, so any pod is a neighbour."""

    @contextmanager
    def stranger(self, image: Image, node: str = "", name: str = "stranger") -> Iterator[Stranger]:
        """One in another namespace, for the length of the block."""
        run, reference = self.control.run, self.registry.reference(image)
        place = json.dumps({"apiVersion": "v1", "spec": {"nodeName": node} if node else {}})
        flags = (f"--labels={labels.KEY}={labels.LAB}", "--restart=Never", f"--overrides={place}")
        try:
            run("run", name, "-n", ELSEWHERE, *flags, f"--image={reference}", "--", "sleep", "300")
            run(
                "wait",
                f"pod/{name}",
                "-n",
                ELSEWHERE,
                "--for=condition=Ready",
                f"--timeout={READY}",
            )
            argv = ("exec", "-n", ELSEWHERE, name, "--")
            yield Stranger(
                lambda *words: run(*argv, *words, echo=False),
                app=(f"web.{NAMESPACE}", 80),
                store=(f"redis.{NAMESPACE}", 6379),
            )
        finally:
            run("delete", "pod", name, "-n", ELSEWHERE, "--now", "--ignore-not-found")
