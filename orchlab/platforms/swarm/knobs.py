"""A service specification as text: each knob with its value, or with Swarm's default for it."""

from __future__ import annotations

from typing import Any

NS_PER_S = 1_000_000_000
NANO_CPUS = 1_000_000_000
MIB = 1 << 20

HEALTH_TIMES = {
    "Interval": ("every", 30.0),
    "Timeout": ("time-out", 30.0),
    "StartPeriod": ("start period", 0.0),
    "StartInterval": ("in it every", 5.0),
}
RETRIES = 3


def knobs(service: dict[str, Any]) -> dict[str, str]:
    """Healing, rollout, placement and limits of a service specification."""
    template: dict[str, Any] = service["TaskTemplate"]
    restart = template.get("RestartPolicy") or {}
    container = template["ContainerSpec"]
    return {
        "replicas": _replicas(service["Mode"]),
        "restart condition": value(restart.get("Condition"), "any"),
        "restart delay": seconds(restart.get("Delay"), 5),
        "stop grace": seconds(container.get("StopGracePeriod"), 10),
        **_rollout("update", service.get("UpdateConfig") or {}),
        **_rollout("rollback", service.get("RollbackConfig") or {}),
        "placement": _placement(template.get("Placement") or {}),
        **_resources(template.get("Resources") or {}),
        "endpoint mode": value((service.get("EndpointSpec") or {}).get("Mode"), "vip"),
        "root file system": "read-only" if container.get("ReadOnly") else "writable (default)",
        "capabilities dropped": _listed(container.get("CapabilityDrop")),
        "secrets": _listed(each["SecretName"] for each in container.get("Secrets") or ()),
        "configs": _listed(each["ConfigName"] for each in container.get("Configs") or ()),
    }


def value(found: object, default: object) -> str:
    """A setting as text; marked as the default where it is not set, or set to that."""
    shown = default if found is None else found
    return f"{shown} (default)" if shown == default else str(shown)


def seconds(nanoseconds: float | None, default: float) -> str:
    """A duration as the API gives it, in seconds; marked where it is the default.

    Swarm fills in some of its defaults by itself, so they come back as if they were set.
    """
    if nanoseconds is None or nanoseconds == default * NS_PER_S:
        return f"{default:g} s (default)"
    return f"{nanoseconds / NS_PER_S:g} s"


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


def _replicas(mode: dict[str, Any]) -> str:
    return str(mode["Replicated"]["Replicas"]) if "Replicated" in mode else "one per node"


def _rollout(what: str, config: dict[str, Any]) -> dict[str, str]:
    return {
        f"{what} order": value(config.get("Order"), "stop-first"),
        f"{what} parallelism": value(config.get("Parallelism"), 1),
        f"{what} delay": seconds(config.get("Delay"), 0),
        f"{what} monitor": seconds(config.get("Monitor"), 5),
        f"{what} max failure ratio": value(config.get("MaxFailureRatio"), 0),
        f"{what} failure action": value(config.get("FailureAction"), "pause"),
    }


def _placement(placement: dict[str, Any]) -> str:
    spread = (each["Spread"]["SpreadDescriptor"] for each in placement.get("Preferences") or ())
    words = [f"over {each}" for each in spread] + list(placement.get("Constraints") or ())
    return ", ".join(words) or "over nodes (default)"


def _resources(resources: dict[str, Any]) -> dict[str, str]:
    return {
        name: _amounts(resources.get(key) or {})
        for name, key in (("limits", "Limits"), ("reservations", "Reservations"))
    }


def _amounts(found: dict[str, Any]) -> str:
    words = []
    if cpus := found.get("NanoCPUs"):
        words.append(f"{cpus / NANO_CPUS:g} processors")
    if memory := found.get("MemoryBytes"):
        words.append(f"{memory / MIB:g} MiB")
    if pids := found.get("Pids"):
        words.append(f"{pids} processes")
    return ", ".join(words) or "none (default)"


def _listed(found: Any) -> str:  # noqa: ANN401 - a list, a generator or nothing
    return ", ".join(sorted(found or ())) or "none (default)"
