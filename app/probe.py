"""The image's health check: whether the app in this container answers.

Standard library alone: it runs every few seconds, and there is no curl in the image.
"""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException

OK = 200
TIMEOUT_SECONDS = 2


def healthy(port: int) -> bool:
    """Whether ``/health`` answers 200 within two seconds."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if healthy(int(os.environ.get("PORT") or 8000)) else 1)
