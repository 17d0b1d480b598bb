"""The app, a bare route and Redis in containers, and load on them from cores of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from orchlab import console, labels, shell, sweep
from orchlab.bench import load
from orchlab.bench.load import FORTIO, MODULE, Load
from orchlab.errors import CommandFailed
from orchlab.images.gobuild import build
from orchlab.images.gotool import architecture
from orchlab.images.store import ImageStore
from orchlab.wait import wait_until

BARE = Path(__file__).resolve().with_name("bare.py")
PORT = 8000
START_SECONDS = 30.0
SERVERS = ("app", "bare")


@dataclass(frozen=True, slots=True)
class Cores:
    """The core that each role is pinned to, as Docker's ``cpuset-cpus`` takes it."""

    server: str
    load: str
    redis: str

    @classmethod
    def of(cls, count: int) -> Cores:
        """Share out ``count`` cores: a server shares its own only if there is no other.

        Both servers have the same core; only one of them is under load at a time.
        """
        return cls("0", str(min(1, count - 1)), str(min(2, count - 1)))


@dataclass(frozen=True, slots=True)
class Rig:
    """Everything is up and answers."""

    cores: Cores

    def http(self, server: str, path: str, *, connections: int, requests: int) -> Load:
        """Load on ``app`` or ``bare``."""
        url = f"http://{_name(server)}:{PORT}{path}"
        return load.http(_name("load"), url, connections=connections, requests=requests)

    def redis(self, requests: int) -> Load:
        """Load on Redis, from one client."""
        return load.redis(_name("load"), _name("redis"), requests=requests)

    def knobs(self) -> dict[str, str]:
        """What was in force for all readings."""
        return {
            "load": f"fortio {FORTIO.version(MODULE)}, closed loop, connections kept",
            "servers": "one image, one Python, the app's uvicorn settings, one process each",
            "cores": f"server {self.cores.server}, load {self.cores.load}, "
            f"Redis {self.cores.redis}",
            "way": "bridge network, no published port",
        }


@contextmanager
def rig(images: ImageStore) -> Iterator[Rig]:
    """Bring it up, and take it away afterwards."""
    app, redis = images.app().reference, images.ensure("redis").reference
    info = images.client.info()
    fortio = build(FORTIO, architecture(str(info["Architecture"]))) / "fortio"
    made = Rig(Cores.of(int(info["NCPU"])))
    sweep.sweep(labels.LAB)
    try:
        with console.step("bench: app, bare route, Redis and load in containers"):
            images.client.networks.create(labels.LAB, labels=labels.labels())
            start = partial(_start, images)
            start("redis", redis, made.cores.redis)
            start("load", redis, made.cores.load, ["sleep", "infinity"])
            shell.run(["docker", "cp", fortio, f"{_name('load')}:/usr/local/bin/fortio"])
            start("app", app, made.cores.server)
            start("bare", app, made.cores.server, ["python3", "-c", BARE.read_text()])
            for server in SERVERS:
                wait_until(f"{server} answers", partial(_alive, server), timeout=START_SECONDS)
        yield made
    finally:
        sweep.sweep(labels.LAB)


def _start(
    images: ImageStore, role: str, image: str, core: str, command: list[str] | None = None
) -> None:
    settings: dict[str, Any] = {"REDIS_URL": f"redis://{_name('redis')}:6379/0"}
    images.client.containers.run(
        image,
        command,
        name=_name(role),
        network=labels.LAB,
        labels=labels.labels(),
        cpuset_cpus=core,
        environment=settings,
        detach=True,
        init=role == "load",  # sleep as PID 1 would ignore every signal
    )


def _alive(server: str) -> bool:
    """Whether the image's own health check passes, which both servers answer."""
    try:
        shell.run(["docker", "exec", _name(server), "python3", "-m", "app.probe"], echo=False)
    except CommandFailed:
        return False
    return True


def _name(role: str) -> str:
    return f"{labels.LAB}-{role}"
