"""The Docker engine: the host's where one answers, else a private one.

=============  ==============================================================
module         holds
=============  ==============================================================
``apt``        the host's archives, and apt calls that change nothing else
``packages``   Docker's programs from packages, in a private prefix
``private``    start, find and stop the private engine
``leftovers``  what a killed engine or a reboot leaves behind
``named``      the engine that the user's environment or context names
``contexts``   the engine of a docker context that was asked for by name
``host``       probes: registry, certificates, capabilities, IPVS
``limits``     disk space and kernel limits that the engine needs
``doctor``     the table of ``invoke doctor``
=============  ==============================================================

The choice becomes the process environment (``DOCKER_HOST``, ``DOCKER_CONFIG``,
``PATH``): SDK clients and CLI calls made afterwards reach the same engine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import docker
import requests
from docker.errors import DockerException

from orchlab import console, labels, shell
from orchlab.engine import apt, contexts, limits, named, packages, private
from orchlab.errors import CommandFailed, HostUnfit
from orchlab.parallel import in_parallel

Kind = Literal["host", "private"]
PLUGINS = ("compose", "buildx")
PLUGIN_PACKAGES = {
    "debian": "docker-cli docker-compose docker-buildx",
    "ubuntu": "docker-compose-v2 docker-buildx",
}
_shown: set[str] = set()


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers. ``kind`` is "private" for ours, "host" for any other.

    ``host`` is its address as ``DOCKER_HOST`` takes it, ``version`` its release and
    ``root`` its data root as the engine names it.
    """

    kind: Kind
    host: str
    version: str
    root: Path


def ensure() -> Engine:
    """An engine that is fit for the lab; starts a private one if none answers.

    Raises ``HostUnfit`` if there is none and none can be provided, if compose or
    buildx is missing, or if the disk is too full.
    """
    engine = find() or _provide()
    if engine.kind == "private":  # its programs, plugins included, may have been cleared away
        private.write_client_config(packages.provide())
    else:
        _require_plugins(engine)
    if engine.root.exists():  # an engine in a virtual machine has its disk elsewhere
        limits.require_disk(engine.root, built=has_images())
    limits.raise_inotify_instances()
    return engine


def use(context: str) -> Engine:
    """The engine of a docker context, to work on another Docker host from here.

    Its published ports may be out of reach, since they are on its own 127.0.0.1:
    ``contexts.forward`` says how to get there.
    Raises ``UnknownName`` for a context that does not exist, ``HostUnfit`` when no
    engine answers there or when compose or buildx is missing here.
    """
    engine = _describe("host", contexts.enter(context))
    _require_plugins(engine)
    return engine


def find() -> Engine | None:
    """The engine in use, or None; starts nothing.

    Points the process environment at it, so that ``docker.from_env()`` reaches it.
    """
    address = named.address(private.url())
    if address is not None:
        os.environ["DOCKER_HOST"] = address
        return _describe("host", address)
    if not private.running():
        return None
    return _use_private()


def revive() -> Engine | None:
    """As ``find``, but a private engine that was killed or rebooted away is started again.

    For clean-up: what it left (containers, networks, volumes) is reached through it.
    """
    engine = find()
    if engine is None and private.data_root().exists() and os.geteuid() == 0:
        private.start()
        engine = _use_private()
    return engine


def stop() -> bool:
    """Stop the private engine, keeping its images; False if it did not run."""
    return private.stop()


def _provide() -> Engine:
    if not apt.debian_like() or os.geteuid() != 0:
        raise HostUnfit("no Docker engine answers", advice())
    limits.require_disk(private.data_root(), built=private.data_root().exists())
    named.warn_if_dead(private.url())
    private.start()
    return _use_private()


def advice() -> str:
    """What to do on a host where no engine answers and none can be provided."""
    if not apt.debian_like():
        return (
            "start Docker (`sudo systemctl start docker`), or install Docker Engine with its "
            "compose and buildx plugins"
        )
    return (
        "start Docker and join its group (`sudo systemctl start docker; sudo usermod -aG docker "
        "$USER`), or run this as root: it then provides a private engine"
    )


def _use_private() -> Engine:
    settings = private.client_environment()
    os.environ.update(settings)
    search = f"{packages.bin_dirs(packages.prefix())[0]}:$PATH"
    line = f"export DOCKER_HOST={settings['DOCKER_HOST']} DOCKER_CONFIG={settings['DOCKER_CONFIG']}"
    if line not in _shown:
        _shown.add(line)
        console.note(f"$ {line} PATH={search}")
    return _describe("private", private.url())


def _describe(kind: Kind, address: str) -> Engine:
    client = docker.from_env()
    try:
        info = client.info()
    except (DockerException, requests.RequestException) as error:
        raise HostUnfit(
            f"the Docker engine at {address} does not answer: {error}", "start it again"
        ) from error
    finally:
        client.close()
    return Engine(kind, address, info["ServerVersion"], Path(info["DockerRootDir"]))


def has_images() -> bool:
    """Whether the engine in use has an image of any lab."""
    client = docker.from_env()
    try:
        return bool(client.api.images(filters={"label": labels.KEY}, quiet=True))
    finally:
        client.close()


def _require_plugins(engine: Engine) -> None:
    versions = zip(PLUGINS, in_parallel(plugin_version, PLUGINS), strict=True)
    missing = [name for name, version in versions if version is None]
    if missing:
        raise HostUnfit(
            f"the engine at {engine.host} answers, but `docker {missing[0]}` does not",
            f"install {plugin_packages()}",
        )


def plugin_packages() -> str:
    """What to install to get compose and buildx on this distribution."""
    return PLUGIN_PACKAGES.get(apt.distribution().family, "Docker's compose and buildx plugins")


def plugin_version(name: str) -> str | None:
    """What ``docker <name> version`` prints first; None when the plugin is missing."""
    try:
        printed = shell.run(["docker", name, "version"], echo=False, timeout=20)
    except CommandFailed:
        return None
    return next(iter(printed.splitlines()), "")
