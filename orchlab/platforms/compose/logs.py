"""Logs of containers of this engine as files, with what the engine says of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from orchlab import shell

HISTORY = ("docker", "events", "--since=1h", "--until=0s")
"""What the engine still remembers, of its last 256 events."""


def collect(containers: Iterable[Container], marks: Iterable[str], into: Path) -> None:
    """Write each container's log, all states, and the events of what has these labels."""
    into.mkdir(parents=True, exist_ok=True)
    states: dict[str, Any] = {}
    for each in containers:
        (into / f"{each.name}.log").write_bytes(each.logs(timestamps=True))
        state = each.attrs["State"]
        states[str(each.name)] = {"restarts": each.attrs["RestartCount"], "state": state}
    (into / "states.json").write_text(json.dumps(states, indent=2))
    filters = [f"--filter=label={mark}" for mark in marks]
    (into / "events.txt").write_text(shell.run([*HISTORY, *filters], echo=False))
