"""The lab's own image registry: one labelled container, nodes pull from it."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

from docker.errors import APIError, NotFound

from orchlab import console, labels
from orchlab.errors import OrchlabError
from orchlab.images.store import Image, ImageStore
from orchlab.paths import alone, state_dir
from orchlab.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient
    from docker.models.containers import Container

PORT = 5000
STORAGE = "/var/lib/registry"
START_SECONDS = 20.0
ASK_SECONDS = 2.0
HINT = "its log says more; an engine trusts a registry with TLS, or on 127.0.0.1"
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


class Registry:
    """A registry container that the nodes of a platform reach by name.

    The engine pushes to it through a free port on 127.0.0.1, which engines trust
    without TLS; nobody else than the nodes and this host reaches it.
    """

    def __init__(self, images: ImageStore) -> None:
        self.images = images
        self.name = f"{labels.LAB}-registry"

    @property
    def host(self) -> str:
        """``name:port`` under which nodes reach it, such as ``orchlab-registry:5000``."""
        return f"{self.name}:{PORT}"

    @property
    def port(self) -> int:
        """The port on 127.0.0.1; raises ``OrchlabError`` unless the registry runs."""
        container = self._container()
        bound = (container.ports.get(f"{PORT}/tcp") or []) if container else []
        if not bound:
            raise OrchlabError("the image registry does not run", "start the platform again")
        return int(bound[0]["HostPort"])

    def start(self, network: str) -> None:
        """Run the registry (idempotent) and attach it to a node network."""
        container = self._container() or self._create()
        if container.status != "running":
            container.start()
            container.reload()
        if network not in container.attrs["NetworkSettings"]["Networks"]:
            self.images.client.networks.get(network).connect(container, aliases=[self.name])
        wait_until(
            "the image registry answers",
            self._answers,
            timeout=START_SECONDS,
            state=lambda: container.logs(tail=3).decode(errors="replace"),
            hint=f"see docker logs {self.name}",
        )

    def push(self, image: Image) -> str:
        """Push an image; return the reference under which nodes pull it.

        What the registry already has is not sent again. Raises ``OrchlabError``.
        """
        port = self.port
        if not self._has(port, image):
            with console.step(f"push {image.reference} to {self.host}") as detail:
                send(self.images.client, image, f"127.0.0.1:{port}/{image.reference}", detail)
        return self.reference(image)

    def reference(self, image: Image) -> str:
        """The reference under which nodes pull an image, whether it was pushed or not."""
        return f"{self.host}/{image.reference}"

    def digest(self, image: Image) -> str:
        """The digest of what nodes get by its reference; raises ``OrchlabError`` if nothing."""
        status, digest, _ = _manifest(self.port, image)
        if status != http.client.OK:
            raise OrchlabError(f"the registry lost {image.reference}", "run the command again")
        return digest

    def detach(self, network: str) -> None:
        """Leave a node network, so that it can be removed; idempotent."""
        container = self._container()
        if container and network in container.attrs["NetworkSettings"]["Networks"]:
            self.images.client.networks.get(network).disconnect(container, force=True)

    def remove(self) -> None:
        """Remove the container and what was pushed; idempotent."""
        client = self.images.client
        if container := self._container():
            container.remove(force=True)
        try:
            client.volumes.get(self.name).remove()
        except NotFound:
            return

    def _container(self) -> Container | None:
        try:
            return self.images.client.containers.get(self.name)
        except NotFound:
            return None

    def _create(self) -> Container:
        client, image = self.images.client, self.images.ensure("registry")
        client.volumes.create(self.name, labels=labels.labels())
        return client.containers.create(
            image.reference,
            name=self.name,
            labels=labels.labels(),
            ports={f"{PORT}/tcp": ("127.0.0.1", 0)},
            volumes={self.name: {"bind": STORAGE, "mode": "rw"}},
        )

    def _answers(self) -> bool:
        try:
            status, _, _ = _get(self.port, "/v2/")
        except (OSError, http.client.HTTPException, APIError):
            return False
        return status == http.client.OK

    def _has(self, port: int, image: Image) -> bool:
        """Whether the registry's manifest of that tag is this very image."""
        try:
            status, digest, body = _manifest(port, image)
        except (OSError, http.client.HTTPException):
            return False  # the engine, which may be elsewhere, finds out when it pushes
        if status != http.client.OK:
            return False
        return image.id in (digest, json.loads(body).get("config", {}).get("digest"))


def send(client: DockerClient, image: Image, reference: str, detail: Callable[[str], None]) -> None:
    """Push an image of an engine as ``reference``; ``detail`` is told of each layer.

    Raises ``OrchlabError`` with what the registry or the engine says.
    """
    repository, _, tag = reference.rpartition(":")
    with alone(state_dir()):  # else another command takes away the tag that is being pushed
        client.images.get(image.id).tag(repository, tag)
        try:
            for line in client.images.push(repository, tag, stream=True, decode=True):
                if "error" in line:
                    raise OrchlabError(f"{reference} was not pushed: {line['error']}", HINT)
                detail(f"{line.get('id', '')} {line.get('status', '')}")
        finally:
            client.images.remove(reference, noprune=True)


def _manifest(port: int, image: Image) -> tuple[int, str, bytes]:
    """What the registry has by an image's reference, as ``_get`` gives it."""
    repository, _, tag = image.reference.rpartition(":")
    return _get(port, f"/v2/{repository}/manifests/{tag}")


def _get(port: int, path: str) -> tuple[int, str, bytes]:
    """Status, content digest and body of a GET on the registry."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", path, headers={"Accept": ", ".join(MANIFESTS)})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Docker-Content-Digest", ""), answer.read()
    finally:
        connection.close()
