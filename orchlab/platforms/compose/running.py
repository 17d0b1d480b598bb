"""The app as it runs: replicas, entries, and what else can be seen without a change."""

from __future__ import annotations

import time

from docker.models.containers import Container

from orchlab import console, labels
from orchlab.engine import contexts
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.store import Image, ImageStore
from orchlab.platforms import serving
from orchlab.platforms.base import DEFAULTS, HARDENED, Endpoint, Replica
from orchlab.platforms.compose.health import ended, serves
from orchlab.platforms.compose.project import SEE_LOGS, Project, execute, incarnation, why
from orchlab.platforms.compose.stack import ENTRIES, PLATFORM

FROM_INSIDE = {DEFAULTS: "web:8000", HARDENED: "edge:8080"}
STORE_NETWORK = "backend"
"""Where Redis is a neighbour of every replica."""
NOTICED_SECONDS = 2.0
"""The edge finds a new replica within this time (edge/haproxy.cfg): DNS is asked every half
second, and so is the replica. One that does not say who it is cannot be met earlier."""
GET = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=2)
connection.request("GET", sys.argv[2])
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""
GET_BY_BASH = """
exec 3<>/dev/tcp/$0/$1; printf 'GET %s HTTP/1.0\r\n\r\n' $2 >&3
read -r _ status _ <&3
while read -r header <&3 && [ "$header" != $'\r' ]; do :; done
echo $status $(cat <&3)
"""


class Running:
    """The Compose project of this lab.

    ``port`` is the first one on 127.0.0.1 that a deployment publishes; 0 takes free ones.
    ``elsewhere``: address of the engine if it is another host's, so that its files and its
    127.0.0.1 are not this machine's.
    """

    name = PLATFORM

    def __init__(self, images: ImageStore, port: int = 0, elsewhere: str = "") -> None:
        self.images = images
        self.port = port
        self.project = Project(elsewhere, images.subject)

    def replicas(self) -> list[Replica]:
        """A snapshot of the app's containers, ready as their health check says."""
        return [
            Replica(
                name=each.attrs["Config"]["Hostname"],
                id=incarnation(each.attrs),
                node=self.project.node,
                ready=serves(each.attrs),
                image=each.attrs["Config"]["Image"],
            )
            for each in self.project.containers("web")
        ]

    def endpoints(self) -> list[Endpoint]:
        """Where clients come in, read back from the engine; empty when nothing is up.

        The edge's port where there is an edge; else each replica has one of its own.
        """
        return [
            Endpoint(
                self.project.node if service == "edge" else str(each.name),
                f"http://127.0.0.1:{bound[0]['HostPort']}",
            )
            for service in ENTRIES.values()
            for each in self.project.containers(service)
            for bound in filter(None, each.ports.values())
        ]

    def exec(self, replica: Replica, *argv: str) -> str:
        """Run a command inside a replica; raises ``CommandFailed`` with its exit status."""
        return execute(self.project.container(replica.id), *argv)

    def ask(self, url: str, path: str) -> str | None:
        """The body of an answer of the app's, as a client would get it; None on failure.

        Where the engine's ports are out of reach, from inside: through the edge, or
        through the replicas' common name.
        """
        if not self.project.elsewhere:
            return serving.get(url, path)
        inside = FROM_INSIDE[self.project.deployment().variant]
        try:
            said = execute(self.project.only("web"), "python3", "-c", GET, inside, path)
        except CommandFailed:
            return None
        status, _, body = said.strip().partition(" ")
        return body if status == "200" else None

    def health(self, replica: Container) -> str:
        """Status and body of the answer on a replica's health path, or ``nothing``.

        Redis' container asks: it is a neighbour, and has a shell whatever the app's image has.
        """
        replica.reload()
        network = f"{labels.LAB}_{STORE_NETWORK}"
        address = replica.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
        app, redis = self.images.subject, self.project.only("redis")
        words = ["timeout", "2", "bash", "-c", GET_BY_BASH, address, str(app.port), app.health]
        try:
            return execute(redis, *words).strip() or "nothing"
        except CommandFailed:
            return "nothing"

    def says(self, replica: Container) -> str:
        """The same as a sentence, for somebody who waits for it."""
        return f"its GET {self.images.subject.health}: {self.health(replica)}"

    def show_way_in(self) -> None:
        """Say how to get to ports that are another host's."""
        urls = [each.url for each in self.endpoints()]
        if self.project.elsewhere and not all(serving.whoami(url) for url in urls):
            bound = [url.rpartition(":")[2] for url in urls]
            way = contexts.forward(self.project.elsewhere, self.project.node, bound)
            console.note(f"ports of {self.project.node} are its own; to get to them: {way}")

    def await_serving(self, replicas: int) -> None:
        """Return when that many replicas have answered.

        Raises ``OrchlabError`` for a container that is found ended, and ``WaitTimeout``.
        """
        app = self.images.subject

        def alive() -> list[Replica]:
            for each in self.project.containers():
                if ended(each.attrs):
                    raise OrchlabError(why(each), SEE_LOGS)
            return self.replicas()

        serving.wait(self.endpoints, alive, replicas, SEE_LOGS, app=app, ask=self.ask, shared=False)

    def reaches(self, replica: str) -> bool:
        """Whether clients are led to that replica; the entries take turns among all of them."""
        app = self.images.subject
        if not app.identity:
            time.sleep(NOTICED_SECONDS)
            return True
        urls = [each.url for each in self.endpoints()] * len(self.project.containers("web"))
        return any(serving.whoami(url, self.ask, app) == replica for url in urls)

    def present(self, reference: str) -> Image:
        """An image of the engine; raises ``OrchlabError`` if it does not have it."""
        found = self.images.present(reference)
        if found is None:
            raise OrchlabError(f"the engine has no image {reference} any more", "update instead")
        return found
