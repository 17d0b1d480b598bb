"""Remove what a lab made in the engine: found by label, whatever made it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TypeVar

import docker
import requests
from docker import DockerClient
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from docker.models.resource import Model

from orchlab import console, labels
from orchlab.parallel import in_parallel
from orchlab.wait import SystemClock, wait_until

T = TypeVar("T", bound=Model)

KIND_CLUSTER = "io.x-k8s.kind.cluster"
"""The label that kind gives its nodes; its value is the cluster's name."""

SETTLE_SECONDS = 20.0
"""How long a command that was interrupted may go on making things."""

INTERRUPTED_SECONDS = 2.0
"""How long the engine may go on with the last request of a command that was interrupted:
a container that it is just creating appears in no list until it is there."""


class _Pauses(SystemClock):
    """Counts the time between two looks alone: a slow disk may take minutes for one volume."""

    def __init__(self) -> None:
        self._paused = 0.0

    def now(self) -> float:
        """Seconds spent waiting."""
        return self._paused

    def sleep(self, seconds: float) -> None:
        """Block the thread."""
        super().sleep(seconds)
        self._paused += seconds


def sweep(lab: str, platform: str = "", settle: float = 0.0, *, shared: bool = False) -> None:
    """Remove a lab's containers, networks and volumes, or those of one platform.

    ``shared``: only those that belong to no platform. Done when nothing new has
    appeared for ``settle`` seconds.

    Nodes that kind made carry kind's own label with the lab's name. Containers
    that only visit a network of the lab are disconnected, not removed. An object
    that vanishes meanwhile is no error, so it is safe to repeat. What somebody is
    still making or removing is tried again; raises ``WaitTimeout`` after that, and
    ``requests.Timeout`` when the engine leaves two requests unanswered.
    """
    refused: list[str] = []
    unanswered = False
    quiet_since = time.monotonic()

    def swept() -> bool:
        nonlocal quiet_since, unanswered
        try:
            found = _sweep_once(lab, platform, shared=shared)
        except APIError as error:
            refused.append(str(error.explanation))
            found = True
        except requests.Timeout as error:  # it goes on removing, unless it hangs
            if unanswered:
                raise
            unanswered = True
            refused.append(str(error))
            found = True
        if found:
            quiet_since = time.monotonic()
        return not found and time.monotonic() - quiet_since >= settle

    wait_until(
        f"what is labelled {labels.KEY}={lab} removed",
        swept,
        timeout=SETTLE_SECONDS,
        state=lambda: refused[-1] if refused else "somebody goes on making things",
        clock=_Pauses(),
    )


def _sweep_once(lab: str, platform: str, *, shared: bool) -> bool:
    """Remove what there is; whether there was anything."""
    client = docker.from_env()
    wanted = [f"{labels.KEY}={lab}"]
    if platform:
        wanted.append(f"{labels.PLATFORM_KEY}={platform}")
    containers = [each for each in _containers(client, wanted) if not _of_another(each, lab)]
    if platform in ("", "k8s"):
        containers += _containers(client, [f"{KIND_CLUSTER}={lab}"])
    networks = client.networks.list(filters={"label": wanted}, greedy=True)
    volumes = client.volumes.list(filters={"label": wanted})
    if shared:
        containers = [each for each in containers if labels.PLATFORM_KEY not in each.labels]
        networks, volumes = _of_no_platform(networks), _of_no_platform(volumes)
    in_parallel(_remove_container, containers)
    for network in networks:
        _remove_network(network)
    for volume in volumes:
        with suppress(NotFound):
            volume.remove()
    return bool(containers or networks or volumes)


def _containers(client: DockerClient, wanted: list[str]) -> list[Container]:
    found: list[Container] = client.containers.list(
        all=True, filters={"label": wanted}, ignore_removed=True
    )
    return found


def _of_another(container: Container, lab: str) -> bool:
    """Whether it is a node of another lab's cluster.

    kind sets no label of the lab's, so its nodes inherit that of the node image: the lab
    that happened to build it.
    """
    cluster: str = container.labels.get(KIND_CLUSTER, lab)
    return cluster != lab


def _of_no_platform(found: list[T]) -> list[T]:
    return [each for each in found if labels.PLATFORM_KEY not in (each.attrs["Labels"] or {})]


def leftover(lab: str) -> None:
    """Remove what only platforms use, such as the registry, when none of them is up.

    The data of a platform that was taken down without them stay.
    """
    client = docker.from_env()
    platforms = _containers(client, [labels.PLATFORM_KEY])
    nodes = _containers(client, [f"{KIND_CLUSTER}={lab}"])
    if not nodes and lab not in {each.labels.get(labels.KEY) for each in platforms}:
        sweep(lab, shared=True)


def remove_images(lab: str) -> None:
    """Remove the images that a lab labelled; one that a container still uses stays."""
    client = docker.from_env()
    for image in client.images.list(filters={"label": f"{labels.KEY}={lab}"}):
        for name in image.tags or [str(image.id)]:
            try:
                client.images.remove(name)
            except ImageNotFound:
                continue
            except APIError as error:
                console.warn(f"image {name} stays: {error.explanation}")


def _remove_container(container: Container) -> None:
    with suppress(NotFound):
        container.remove(v=True, force=True)


def _remove_network(network: Network) -> None:
    """By the containers' ids: a network may list one that the engine no longer has."""
    with suppress(NotFound):
        network.reload()
        for identity in network.attrs["Containers"] or ():
            with suppress(NotFound):
                network.disconnect(identity, force=True)
        network.remove()
