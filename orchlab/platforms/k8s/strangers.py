"""Pods that are no part of the app, in a namespace of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchlab import labels
from orchlab.images.store import Image
from orchlab.platforms.base import Stranger
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.running import Running

ELSEWHERE = "default"
NAME = "stranger"
READY = "60s"


class Strangers(Running):
    """A pod of nobody's: the pod network is one for all, so any pod is a neighbour."""

    @contextmanager
    def stranger(self, image: Image) -> Iterator[Stranger]:
        """One in another namespace, for the length of the block."""
        run, reference = self.control.run, self.registry.reference(image)
        flags = (f"--labels={labels.KEY}={labels.LAB}", "--restart=Never")
        try:
            run("run", NAME, "-n", ELSEWHERE, *flags, f"--image={reference}", "--", "sleep", "300")
            run(
                "wait",
                f"pod/{NAME}",
                "-n",
                ELSEWHERE,
                "--for=condition=Ready",
                f"--timeout={READY}",
            )
            argv = ("exec", "-n", ELSEWHERE, NAME, "--")
            yield Stranger(
                lambda *words: run(*argv, *words, echo=False),
                app=(f"web.{NAMESPACE}", 80),
                store=(f"redis.{NAMESPACE}", 6379),
            )
        finally:
            run("delete", "pod", NAME, "-n", ELSEWHERE, "--now", "--ignore-not-found")
