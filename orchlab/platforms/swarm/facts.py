"""What is in force on the swarm: versions, data path, and every knob of the app."""

from __future__ import annotations

from typing import Any, cast

from docker.errors import ImageNotFound

from orchlab.platforms.base import Facts
from orchlab.platforms.swarm import encryption as swarm_encryption
from orchlab.platforms.swarm.files import DATA_PATH_LABEL, VARIANT_LABEL, DataPath
from orchlab.platforms.swarm.knobs import health, knobs, seconds
from orchlab.platforms.swarm.stack import Stack

DATA_PATHS: dict[DataPath, str] = {
    "mesh": "IPVS routing mesh: the port of every node -> virtual IP -> replica",
    "edge": "edge: owner of the port and HAProxy on every node -> replica, found through DNS",
}
FSYNC = "--appendfsync"


def facts(stack: Stack) -> Facts:
    """Ask the manager; a default is marked where nothing is set."""
    with stack.api() as client:
        parts = client.version()["Components"]
        swarm = client.swarm
        swarm.reload()
        dispatcher: dict[str, Any] = swarm.attrs["Spec"].get("Dispatcher", {})
    service = stack.service("web")["Spec"]
    redis = stack.service("redis")["Spec"]
    marks = service.get("Labels") or {}
    return Facts(
        versions={part["Name"]: part["Version"] for part in parts},
        data_path=DATA_PATHS[cast("DataPath", marks[DATA_PATH_LABEL])],
        knobs={
            "variant": marks[VARIANT_LABEL],
            "heartbeat": seconds(dispatcher.get("HeartbeatPeriod"), 5),
            **knobs(service),
            "health check": health(service, _image_health(stack, service)),
            "overlays encrypted": _encrypted(stack),
            "redis fsync": fsync(redis),
            "redis placement": knobs(redis)["placement"],
            "redis update order": knobs(redis)["update order"],
        },
    )


def fsync(redis: dict[str, Any]) -> str:
    """When Redis writes to the disk, as its arguments say."""
    argv = list(redis["TaskTemplate"]["ContainerSpec"].get("Args") or ())
    return argv[argv.index(FSYNC) + 1] if FSYNC in argv else "everysec (default)"


def _encrypted(stack: Stack) -> str:
    return "yes" if all(swarm_encryption.networks(stack).values()) else "no (default)"


def _image_health(stack: Stack, service: dict[str, Any]) -> dict[str, Any]:
    """The image's own health check; every node has the image, so the manager has it."""
    reference = service["TaskTemplate"]["ContainerSpec"]["Image"]
    with stack.api() as client:
        try:
            found = client.images.get(reference)
        except ImageNotFound:
            return {}
    return found.attrs["Config"].get("Healthcheck") or {}
