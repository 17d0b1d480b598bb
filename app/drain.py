"""From the signal to stop until the stop.

A balancer notices late that a replica is leaving. So after SIGTERM the app first says
"not ready", goes on serving new and open requests for the drain time, asks every client
to come back on another connection, and only then closes its listeners.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Drain:
    """Whether the app is leaving, and when its time is over."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._now = now
        self._ends: float | None = None

    @property
    def active(self) -> bool:
        """True from the signal on."""
        return self._ends is not None

    @property
    def over(self) -> bool:
        """True when the drain time has passed."""
        return self._ends is not None and self._now() >= self._ends

    def begin(self) -> None:
        """Start the drain time; a second call changes nothing."""
        if self._ends is None:
            self._ends = self._now() + self.seconds


class Stamp:
    """Marks every reply, errors included, with the headers that tell replicas apart.

    While draining it adds ``Connection: close``, so that kept-alive clients move on.
    """

    def __init__(self, app: ASGIApp, headers: dict[str, str], drain: Drain) -> None:
        self._app = app
        self._headers = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and mark the reply's headers."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                close = [(b"connection", b"close")] if self._drain.active else []
                headers = [*message.get("headers", ()), *self._headers, *close]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, marked)
