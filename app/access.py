"""What happens around every request: an id, headers, a figure and perhaps a log line.

Plain ASGI and a single layer, because it is paid on every request.
"""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from typing import TYPE_CHECKING

from app.log import REQUEST_ID

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.drain import Drain
    from app.metrics import Metrics

ID_HEADER = "X-Request-ID"
ID_PATTERN = r"[A-Za-z0-9._-]{1,128}"
SERVER_ERROR, UNAUTHORIZED = 500, 401
PROBES = frozenset({"/health", "/ready", "/metrics"})
UNMATCHED = "(none)"
"""In the metrics, for paths that belong to no route."""

logger = logging.getLogger(__name__)

_acceptable = re.compile(ID_PATTERN.encode()).fullmatch
_prefix = secrets.token_hex(6)  # tells processes apart; a counter is far cheaper than a UUID
_number = itertools.count(1)


def request_id(headers: list[tuple[bytes, bytes]]) -> bytes:
    """The client's own id if it is harmless in a header and a log, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _acceptable(value):
            return value
    return b"%s-%d" % (_prefix.encode(), next(_number))


class Access:
    """Wraps the application; marks every answer, errors included.

    ``headers`` tell replicas apart. While draining it adds ``Connection: close``, so that
    kept-alive clients move on.
    """

    def __init__(
        self, app: ASGIApp, headers: dict[str, str], drain: Drain, metrics: Metrics
    ) -> None:
        self._app = app
        self._headers = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
        self._drain = drain
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and note what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = SERVER_ERROR
        identity = request_id(scope["headers"])
        REQUEST_ID.set(identity.decode())

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    *self._headers,
                    (b"x-request-id", identity),
                    *([(b"connection", b"close")] if self._drain.active else ()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, marked)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        pattern = route.path if route else UNMATCHED
        self._metrics.observe(scope["method"], pattern, status, seconds)
        failed = status >= SERVER_ERROR or status == UNAUTHORIZED
        level = logging.WARNING if failed and pattern not in PROBES else logging.DEBUG
        if logger.isEnabledFor(level):
            fields = {"method": scope["method"], "path": scope["path"], "status": status}
            fields["ms"] = round(seconds * 1000, 2)
            logger.log(level, "request", extra={"fields": fields})
