"""What a person asks of a Compose stack, as tables; pure, from ``inspect`` answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchlab.platforms.base import Table
from orchlab.platforms.compose.health import health, last_check, serves
from orchlab.platforms.compose.stack import SERVICE_KEY, VARIANT_KEY

Inspected = Mapping[str, Any]
CONTAINER_COLUMNS = ("container", "image", "state", "restarts", "started (UTC)", "ports")


def tables(containers: Iterable[Inspected], volumes: Iterable[Inspected]) -> list[Table]:
    """Containers, volumes, and what those that do not serve said last."""
    ordered = sorted(containers, key=lambda each: (_label(each, SERVICE_KEY), _name(each)))
    ill = [each for each in ordered if not serves(each)]
    variants = ", ".join(sorted({_label(each, VARIANT_KEY) for each in ordered}))
    found = [
        Table(
            f"compose: {variants or 'nothing is up'}",
            CONTAINER_COLUMNS,
            tuple(map(_container, ordered)),
        ),
        Table("compose: volumes", ("volume", "created", "driver"), tuple(map(_volume, volumes))),
    ]
    if ill:
        title, header = "compose: not serving", ("container", "exit status", "last health check")
        found.append(Table(title, header, tuple(map(_illness, ill))))
    return found


def _container(each: Inspected) -> tuple[str, ...]:
    state = each["State"]
    return (
        _name(each),
        each["Config"]["Image"],
        f"{state['Status']}, {health(each) or 'not checked'}",
        str(each["RestartCount"]),
        _moment(state["StartedAt"]),
        _ports(each),
    )


def _volume(each: Inspected) -> tuple[str, ...]:
    return each["Name"], _moment(each["CreatedAt"]), each["Driver"]


def _illness(each: Inspected) -> tuple[str, ...]:
    return _name(each), str(each["State"]["ExitCode"]), last_check(each) or "none"


def _ports(each: Inspected) -> str:
    bound = (each["NetworkSettings"]["Ports"] or {}).items()
    return ", ".join(
        f"{at['HostIp']}:{at['HostPort']} -> {inside.removesuffix('/tcp')}"
        for inside, ats in bound
        for at in ats or ()
    )


def _label(each: Inspected, key: str) -> str:
    return str(each["Config"]["Labels"].get(key, ""))


def _name(each: Inspected) -> str:
    return str(each["Name"]).lstrip("/")


def _moment(text: str) -> str:
    """Seconds are precise enough: ``2026-01-02 03:04:05``."""
    return text[:19].replace("T", " ")
