"""What the engine says of the app's containers, as it says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker

from orchlab import labels
from orchlab.platforms.capabilities import Happening, Tell
from orchlab.platforms.compose.running import Running
from orchlab.platforms.compose.stack import SERVICE_KEY
from orchlab.platforms.watching import engine_events

IGNORED = ("exec_", "attach", "top", "resize", "commit")
"""Events that are no change of a container: health checks and the lab's own questions."""


class Watch(Running):
    """Container events."""

    @contextmanager
    def watch(self, tell: Tell) -> Iterator[None]:
        """Tell of the containers' events while the block runs."""

        def heard(event: dict[str, Any]) -> None:
            if found := happening(event, self.project.node):
                tell(found)

        wanted = {"type": "container", **labels.selector(self.name)}
        with engine_events(docker.from_env(), wanted, heard, tell):
            yield


def happening(event: dict[str, Any], node: str) -> Happening | None:
    """An event of the engine in its own words; None for one that changes nothing."""
    action, marks = str(event["Action"]), event["Actor"]["Attributes"]
    if action.startswith(IGNORED) or SERVICE_KEY not in marks:
        return None
    name = str(marks["name"]).removeprefix(f"{labels.LAB}-")
    code = f" (exit status {marks['exitCode']})" if "exitCode" in marks else ""
    return Happening(int(event["timeNano"]), f"{name}: {action}{code}", "docker", node)
