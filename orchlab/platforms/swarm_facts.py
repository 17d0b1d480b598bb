"""What is in force on the swarm: versions, data path, and every knob of web."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from docker.errors import ImageNotFound

from orchlab.platforms.base import Facts
from orchlab.platforms.swarm_nodes import Engine
from orchlab.platforms.swarm_stack import DataPath, Stack

NS_PER_S = 1_000_000_000

DATA_PATHS: dict[DataPath, str] = {
    "mesh": "IPVS routing mesh: the port of every node -> virtual IP -> replica",
    "edge": "edge: HAProxy on every node, no IPVS in this kernel; replicas found through DNS",
}

HEALTH_TIMES = {
    "Interval": ("every", 30.0),
    "Timeout": ("time-out", 30.0),
    "StartPeriod": ("start period", 0.0),
    "StartInterval": ("in it every", 5.0),
}
RETRIES = 3


def facts(stack: Stack, data_path: DataPath) -> Facts:
    """Ask the manager; a default is marked where nothing is set."""
    with closing(stack.manager.client()) as client:
        parts = client.version()["Components"]
        swarm = client.swarm
        swarm.reload()
        spec: dict[str, Any] = swarm.attrs["Spec"]
    service = stack.service("web")["Spec"]
    return Facts(
        versions={part["Name"]: part["Version"] for part in parts},
        data_path=DATA_PATHS[data_path],
        knobs={
            "heartbeat": seconds(spec.get("Dispatcher", {}).get("HeartbeatPeriod"), 5),
            **knobs(service),
            "health check": health(service, _image_health(stack.manager, service)),
        },
    )


def knobs(service: dict[str, Any]) -> dict[str, str]:
    """Healing and rollout settings of a service specification."""
    template: dict[str, Any] = service["TaskTemplate"]
    restart = template.get("RestartPolicy") or {}
    update = service.get("UpdateConfig") or {}
    container = template["ContainerSpec"]
    return {
        "replicas": str(service["Mode"]["Replicated"]["Replicas"]),
        "restart condition": value(restart.get("Condition"), "any"),
        "restart delay": seconds(restart.get("Delay"), 5),
        "stop grace": seconds(container.get("StopGracePeriod"), 10),
        "update order": value(update.get("Order"), "stop-first"),
        "update parallelism": value(update.get("Parallelism"), 1),
        "update delay": seconds(update.get("Delay"), 0),
        "update monitor": seconds(update.get("Monitor"), 5),
        "update failure action": value(update.get("FailureAction"), "pause"),
        "endpoint mode": value((service.get("EndpointSpec") or {}).get("Mode"), "vip"),
    }


def value(found: object, default: object) -> str:
    """A setting as text; the default, marked, where it is not set."""
    return f"{default} (default)" if found is None else str(found)


def seconds(nanoseconds: float | None, default: float) -> str:
    """A duration as the API gives it, in seconds; the default, marked, where not set."""
    if nanoseconds is None:
        return f"{default:g} s (default)"
    shown = f"{nanoseconds / NS_PER_S:g} s"
    # Swarm fills in some of its defaults by itself, so they come back as if they were set.
    return f"{shown} (default)" if nanoseconds == default * NS_PER_S else shown


def health(service: dict[str, Any], image: dict[str, Any]) -> str:
    """The health check in one line: the service's settings before the image's."""
    own = service["TaskTemplate"]["ContainerSpec"].get("Healthcheck") or {}
    merged = {**image, **{key: each for key, each in own.items() if each}}
    test: list[str] = merged.get("Test") or []
    if not test or test[0] == "NONE":
        return "none"
    times = (
        f"{words} {seconds(merged.get(key) or None, default)}"
        for key, (words, default) in HEALTH_TIMES.items()
    )
    retries = value(merged.get("Retries") or None, RETRIES)
    origin = "service" if own.get("Test") else "image"
    return f"from the {origin}: {', '.join(times)}, retries {retries}"


def _image_health(manager: Engine, service: dict[str, Any]) -> dict[str, Any]:
    """The image's own health check; every node has the image, so the manager has it."""
    reference = service["TaskTemplate"]["ContainerSpec"]["Image"]
    with closing(manager.client()) as client:
        try:
            found = client.images.get(reference)
        except ImageNotFound:
            return {}
    return found.attrs["Config"].get("Healthcheck") or {}
