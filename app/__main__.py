"""The process: ``python -m app``.

The first SIGTERM or SIGINT starts the drain, the second stops at once.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

# The kernel drops SIGTERM for a PID 1 without a handler: have one before the slow imports.
signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))

import uvicorn  # noqa: E402 (see above)

from app import log  # noqa: E402
from app.drain import Drain  # noqa: E402
from app.main import create_app  # noqa: E402
from app.settings import BadSettings, load  # noqa: E402

if TYPE_CHECKING:
    from types import FrameType

    from app.settings import Settings

KEEP_ALIVE_SECONDS = 120
"""Longer than pooled clients keep idle connections (Go's ``http.DefaultTransport`` 90 s, nginx
60 s): the side that sends must close first, or a request meets a connection just closed."""

OPEN_REQUEST_SECONDS = 5
"""How long the stop waits for open requests after the drain."""

logger = logging.getLogger("app")


class Server(uvicorn.Server):
    """uvicorn, which by itself closes its listeners within 0.1 s of the signal."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (uvicorn's)
        """Begin the drain; asked a second time, stop without waiting for anything."""
        if self._drain.active:
            os._exit(128 + sig)
        self._drain.begin()
        logger.info("%s: draining for %g s", signal.Signals(sig).name, self._drain.seconds)

    async def on_tick(self, counter: int) -> bool:
        """Asked every 0.1 s whether to stop: when the drain is over."""
        return await super().on_tick(counter) or self._drain.over


def server(settings: Settings) -> Server:
    """The server, ready to run."""
    drain = Drain(settings.drain_seconds)
    config = uvicorn.Config(
        create_app(settings, drain),
        host="0.0.0.0",  # noqa: S104 (a container's own address is not known beforehand)
        port=settings.port,
        log_config=None,  # ours, for the server's records too
        access_log=False,  # ``app.access`` knows the request id
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=OPEN_REQUEST_SECONDS,
    )
    return Server(config, drain)


def main() -> None:
    """Serve until told to stop; a wrong setting is one line and exit status 2."""
    try:
        settings = load()
    except BadSettings as error:
        print(error, file=sys.stderr)  # noqa: T201 (one line for whoever starts it)
        sys.exit(2)
    log.configure(debug=settings.debug_mode)
    if settings.key is None:
        logger.info("no API key is set: what needs one answers 401")
    server(settings).run()


if __name__ == "__main__":
    main()
