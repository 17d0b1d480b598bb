"""A bare route of the app's framework, to run inside the app's image.

The app's own server settings are taken over with another application in them, so that
nothing but what the app does with a request makes a difference.
"""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

from app.__main__ import server
from app.settings import load

bare = FastAPI()


@bare.get("/health")
async def health() -> dict[str, str]:
    """Answer what the app answers."""
    return {"status": "alive"}


if __name__ == "__main__":
    config = server(load()).config
    config.app = bare
    uvicorn.Server(config).run()
