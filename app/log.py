"""The log: one JSON object per line on stdout, for people with ``jq`` and for collectors.

What is logged at which level, and why:

=======  ==================================================================================
INFO     start, drain, stop, Redis away and back, what changes the replica (reset, faults)
WARNING  each request that failed on this side (5xx) or without the key (401): somebody
         will look for it by its request id
DEBUG    every other request. At 100 requests/s they would drown the rest and wear the
         disk; how many there were, and how long they took, is what ``/metrics`` says.
         Probes stay here even when they fail: each prober asks several times a second,
         and what they find is logged once, when it changes.
=======  ==================================================================================

``DEBUG_MODE=true`` shows DEBUG. Queries, headers and bodies are never logged: they may
hold secrets.
"""

from __future__ import annotations

import json
import logging.config
from contextvars import ContextVar
from datetime import UTC, datetime

REQUEST_ID: ContextVar[str] = ContextVar("request_id")
"""Of the request that is being served; not set outside of one."""


class JsonLines(logging.Formatter):
    """A record as one line; ``extra={"fields": {...}}`` adds to it."""

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC, level, logger, message; request id, fields and traceback if any."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": time, "level": record.levelname}
        line |= {"logger": record.name, "message": record.getMessage()}
        if request_id := REQUEST_ID.get(""):
            line["request_id"] = request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(*, debug: bool) -> None:
    """Send all logs of the process, the server's among them, to stdout as JSON lines."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonLines}},
            "handlers": {
                "stdout": {
                    "class": "logging.StreamHandler",
                    "formatter": "json",
                    "stream": "ext://sys.stdout",
                }
            },
            "root": {"level": "INFO", "handlers": ["stdout"]},
            "loggers": {"app": {"level": "DEBUG" if debug else "INFO"}},
        }
    )
