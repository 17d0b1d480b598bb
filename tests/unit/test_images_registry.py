import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from docker.errors import NotFound

from orchlab import labels
from orchlab.errors import OrchlabError
from orchlab.images.registry import PORT, Registry
from orchlab.images.store import Image, ImageStore

APP = Image("orchlab/app:1-f00d", "sha256:abc")
REFERENCE = f"{labels.LAB}-registry:{PORT}/{APP.reference}"


class Manifests(BaseHTTPRequestHandler):
    """A registry that knows the manifests in ``known``: path -> image id."""

    known: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        """Answer as the distribution API does."""
        found = self.known.get(self.path)
        body = json.dumps({"config": {"digest": found}}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@dataclass
class Engine:
    """The parts of a Docker client that a push uses, and what was done to them."""

    port: int
    lines: list[dict[str, str]] = field(default_factory=lambda: [{"status": "Pushed"}])
    log: list[str] = field(default_factory=list)

    def get(self, name: str) -> Any:  # noqa: ANN401 - a container or an image, as the SDK has it
        """The registry's container, or any image."""
        if name == f"{labels.LAB}-registry" and not self.port:
            raise NotFound(name)
        ports = {f"{PORT}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(self.port)}]}
        return SimpleNamespace(ports=ports, tag=lambda *words: self.log.append(f"tag {words[1]}"))

    def push(self, repository: str, tag: str, **_: object) -> list[dict[str, str]]:
        """A push's progress."""
        self.log.append(f"push {repository.partition('/')[2]}:{tag}")
        return self.lines

    def remove(self, reference: str, *, noprune: bool) -> None:
        """Remove a reference."""
        assert noprune
        self.log.append(f"remove {reference.partition('/')[2]}")


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine beside a registry that is empty at first."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Manifests) as server:
        Manifests.known = {}
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Engine(server.server_port)
        server.shutdown()
        thread.join()


def registry(engine: Engine) -> Registry:
    """A registry whose client is the fake engine."""
    store = ImageStore()
    store.__dict__["client"] = SimpleNamespace(images=engine, containers=engine)
    return Registry(store)


def test_a_push_leaves_no_tag_behind(engine: Engine) -> None:
    """What is pushed is tagged for the push only, and nodes get the registry's name."""
    assert registry(engine).push(APP) == REFERENCE
    assert engine.log == ["tag 1-f00d", f"push {APP.reference}", f"remove {APP.reference}"]


def test_what_the_registry_has_is_not_sent_again(engine: Engine) -> None:
    """An image whose manifest is there under that tag costs one question."""
    Manifests.known = {"/v2/orchlab/app/manifests/1-f00d": APP.id}
    assert registry(engine).push(APP) == REFERENCE
    assert engine.log == []


def test_another_image_under_the_same_tag_is_sent(engine: Engine) -> None:
    """A tag that moved on is pushed again."""
    Manifests.known = {"/v2/orchlab/app/manifests/1-f00d": "sha256:other"}
    registry(engine).push(APP)
    assert f"push {APP.reference}" in engine.log


def test_a_refused_push_is_an_error_and_leaves_no_tag(engine: Engine) -> None:
    """An error in the push's progress reaches the user."""
    engine.lines = [{"error": "no space left on device"}]
    with pytest.raises(OrchlabError, match="no space left"):
        registry(engine).push(APP)
    assert engine.log[-1] == f"remove {APP.reference}"


def test_without_a_registry_a_push_says_so(engine: Engine) -> None:
    """Pushing before the registry was started is an error with a hint."""
    engine.port = 0
    with pytest.raises(OrchlabError, match="does not run"):
        registry(engine).push(APP)
