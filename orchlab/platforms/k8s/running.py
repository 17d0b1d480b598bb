"""The app as it runs on the cluster: what the adapter's capabilities share."""

from __future__ import annotations

from orchlab import console
from orchlab.images.registry import Registry
from orchlab.images.store import ImageStore
from orchlab.platforms import serving
from orchlab.platforms.base import Endpoint, Replica
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s import objects as k8s_objects
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.control import Control
from orchlab.platforms.k8s.rollout import WEB, Rollouts
from orchlab.platforms.k8s.store import Store


class Running:
    """Replicas, entry points, and ways to the cluster."""

    name = "k8s"

    def __init__(self, images: ImageStore) -> None:
        self.images = images
        self.registry = Registry(images)
        self.control = Control(images)

    def replicas(self) -> list[Replica]:
        """The Deployment's pods that were not told to end."""
        return k8s_objects.replicas(self.control.api.pods(NAMESPACE, WEB))

    def endpoints(self) -> list[Endpoint]:
        """Each running node's NodePort, as the engine publishes it."""
        return [
            Endpoint(node, f"http://127.0.0.1:{port}") for node, port in k8s_nodes.ports().items()
        ]

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command inside a replica and return its stdout."""
        return self.control.run("exec", "-n", NAMESPACE, replica.name, "--", *argv)

    @property
    def rollouts(self) -> Rollouts:
        """The app's Deployment with its revisions."""
        return Rollouts(self.control)

    @property
    def store(self) -> Store:
        """The Redis of the app."""
        return Store(self.control)

    def await_serving(self, replicas: int) -> None:
        """Return when every node's port answers and all replicas have; raises ``WaitTimeout``."""
        with console.step(f"wait until every node's port reaches {replicas} replicas"):
            serving.wait(self.endpoints, self.replicas, replicas)
