"""The app as it runs on a cluster: what the adapters' capabilities share."""

from __future__ import annotations

from abc import ABC, abstractmethod

from orchlab import console
from orchlab.images.given_registry import ImageSource
from orchlab.images.store import ImageStore
from orchlab.platforms import serving
from orchlab.platforms.base import Endpoint, Replica
from orchlab.platforms.k8s import objects as k8s_objects
from orchlab.platforms.k8s.access import Access
from orchlab.platforms.k8s.control import Control
from orchlab.platforms.k8s.rollout import WEB, Rollouts
from orchlab.platforms.k8s.store import Store


class Running(ABC):
    """Replicas, entry points, and ways to the cluster: the lab's own, or with ``access`` another.

    ``registry`` is where the cluster's nodes pull from.
    """

    name = "k8s"

    def __init__(
        self, images: ImageStore, registry: ImageSource, access: Access | None = None
    ) -> None:
        self.images = images
        self.registry = registry
        self.control = Control(images, access)

    @abstractmethod
    def endpoints(self) -> list[Endpoint]:
        """The NodePort of each node, as it is reached from here."""

    def replicas(self) -> list[Replica]:
        """The Deployment's pods that were not told to end."""
        return k8s_objects.replicas(self.control.api.pods(self.control.namespace, WEB))

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command inside a replica and return its stdout."""
        return self.control.run("exec", "-n", self.control.namespace, replica.name, "--", *argv)

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
            serving.wait(self.endpoints, self.replicas, replicas, app=self.images.subject)
