"""The app's image and Redis as two containers, with nothing of a platform around them."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import requests
from docker import DockerClient
from docker.models.containers import Container
from docker.types import Mount

from orchlab import labels, sweep
from orchlab.credentials import api_key_file
from orchlab.images.store import Image
from orchlab.paths import STACKS
from orchlab.wait import wait_until

NAME = f"{labels.LAB}-app"
PURPOSE = "app"
"""Label of all that is made here, so that it is swept without touching a platform."""

CONFIG = STACKS / "config" / "app.json"
START_SECONDS = 60
LOG_SECONDS = 20


class Replica:
    """One container of the app."""

    def __init__(self, container: Container) -> None:
        self.container = container

    @property
    def url(self) -> str:
        """Where it answers; another one after each start."""
        self.container.reload()
        return f"http://127.0.0.1:{self.container.ports['8000/tcp'][0]['HostPort']}"

    def status(self, path: str) -> int:
        """What it answers to a GET on a new connection; 0 when nobody listens."""
        try:
            return requests.get(f"{self.url}{path}", timeout=10).status_code
        except (requests.ConnectionError, KeyError):
            return 0

    def resident_mib(self) -> float:
        """Memory of the process, as its metrics say."""
        text = requests.get(f"{self.url}/metrics", timeout=10).text
        (value,) = re.findall(r"^process_resident_memory_bytes (\S+)", text, re.MULTILINE)
        return float(value) / 2**20

    def log(self) -> str:
        """All that it has logged so far."""
        return self.container.logs().decode()

    def line(self, **fields: str) -> dict[str, Any]:
        """The first line with these fields, once the engine has it; all lines must be JSON."""

        def found() -> dict[str, Any] | None:
            lines = (dict(json.loads(line)) for line in self.log().splitlines())
            return next((line for line in lines if fields.items() <= line.items()), None)

        return wait_until(f"{fields} logged", found, timeout=LOG_SECONDS, state=self.log)


class Stack:
    """A network, Redis and as many replicas of the app as are asked for."""

    def __init__(self, client: DockerClient, image: Image, redis: Image) -> None:
        self.client = client
        self.image = image
        self.password = secrets.token_hex(8)
        """In REDIS_URL; Redis accepts any, so it is a canary and not a key."""
        self.key = api_key_file().read_text(encoding="ascii")
        client.networks.create(NAME, labels=labels.labels(PURPOSE))
        command = ["redis-server", "--protected-mode", "no"]
        self.redis = self._run(f"{NAME}-redis", redis.reference, command=command)

    @property
    def headers(self) -> dict[str, str]:
        """What opens the guarded routes."""
        return {"X-API-Key": self.key}

    def replica(self, name: str, **settings: str) -> Replica:
        """Start the app as the hardened stacks do; returns once it answers."""
        environment = {
            "REDIS_URL": f"redis://default:{self.password}@{self.redis.name}:6379/0",
            "API_KEY_FILE": "/run/secrets/api_key",
            "CONFIG_FILE": "/etc/orchlab/app.json",
        }
        mounts = [
            Mount("/run/secrets/api_key", str(api_key_file()), "bind", read_only=True),
            Mount("/etc/orchlab/app.json", str(CONFIG), "bind", read_only=True),
            Mount("/data", f"{NAME}-data", "volume", labels=labels.labels(PURPOSE)),
        ]
        container = self._run(
            f"{NAME}-{name}",
            self.image.reference,
            environment=environment | settings,
            mounts=mounts,
            ports={"8000/tcp": ("127.0.0.1", None)},
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108 - the container's own
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
        )
        made = Replica(container)
        wait_until(
            f"{name} answers",
            lambda: made.status("/health") == requests.codes.ok,
            timeout=START_SECONDS,
            state=made.log,
        )
        return made

    def _run(self, name: str, image: str, **more: Any) -> Container:  # noqa: ANN401
        marks = labels.labels(PURPOSE)
        return self.client.containers.run(
            image, name=name, network=NAME, labels=marks, detach=True, **more
        )


@contextmanager
def running(image: Image, redis: Image) -> Iterator[Stack]:
    """A stack, and nothing of it left afterwards."""
    sweep.sweep(labels.LAB, PURPOSE)
    client = docker.from_env()
    try:
        yield Stack(client, image, redis)
    finally:
        client.close()
        sweep.sweep(labels.LAB, PURPOSE)
