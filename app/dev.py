"""The process while somebody edits the code: ``python -m app.dev``.

uvicorn's reload supervisor compares the files' times four times a second, which notices an
edit through any kind of mount, and replaces the server process. A line that does not even
import leaves the supervisor waiting for the next edit. There is no drain: nobody is served
but the one who edits.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from app import log
from app.drain import Drain
from app.main import create_app
from app.settings import BadSettings, load

if TYPE_CHECKING:
    from starlette.types import ASGIApp

OPEN_REQUEST_SECONDS = 1
"""How long an edit waits for requests that the old code still answers."""


def create() -> ASGIApp:
    """The application, made anew in each server process."""
    settings = load()
    log.configure(debug=settings.debug_mode)
    return create_app(settings, Drain(settings.drain_seconds))


def main() -> None:
    """Serve until told to stop; a wrong setting is one line and exit status 2."""
    try:
        settings = load()
    except BadSettings as error:
        print(error, file=sys.stderr)  # noqa: T201 (one line for whoever starts it)
        sys.exit(2)
    log.configure(debug=settings.debug_mode)
    uvicorn.run(
        f"{__package__}.dev:create",
        factory=True,
        host="0.0.0.0",  # noqa: S104 (a container's own address is not known beforehand)
        port=settings.port,
        log_config=None,
        access_log=False,
        reload=True,
        reload_dirs=[str(Path(__file__).parent)],
        timeout_graceful_shutdown=OPEN_REQUEST_SECONDS,
    )


if __name__ == "__main__":
    main()
