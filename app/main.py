"""The routes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from app.drain import Drain, Stamp
from app.store import Store, StoreAway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp

    from app.settings import Settings

RETRY_AFTER_SECONDS = 1


class Unavailable(Exception):
    """This replica cannot answer now, for the reason given; another one may."""


def unavailable(_: Request, error: Exception) -> JSONResponse:
    """Answer 503 as an RFC 9457 problem."""
    problem = {"title": "Service Unavailable", "status": 503, "detail": str(error)}
    return JSONResponse(
        problem,
        status_code=503,
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        media_type="application/problem+json",
    )


def store_away(request: Request, error: Exception) -> JSONResponse:
    """Answer 503 because Redis is away; say that a write may have been lost on the way."""
    written = "" if request.method == "GET" else "; the write may or may not have happened"
    return unavailable(request, Unavailable(f"Redis does not answer ({error}){written}"))


def create_app(settings: Settings, drain: Drain) -> ASGIApp:
    """The whole application; connects to nothing yet."""
    store = Store(str(settings.redis_url))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with store:
            yield

    api = FastAPI(title=settings.app_name, version=settings.app_version, lifespan=lifespan)
    api.add_exception_handler(Unavailable, unavailable)
    api.add_exception_handler(StoreAway, store_away)
    add_routes(api, settings, drain, store)
    headers = {"X-Replica": settings.replica, "X-Version": settings.app_version}
    return Stamp(api, headers, drain)


def add_routes(api: FastAPI, settings: Settings, drain: Drain, store: Store) -> None:
    """All that a client can ask."""

    @api.get("/")
    async def index() -> dict[str, str]:
        """What this is."""
        return {"app": settings.app_name, "version": settings.app_version}

    @api.get("/health")
    async def health() -> dict[str, str]:
        """Live: the process answers. Nothing else is asked: a restart would mend nothing else."""
        return {"status": "alive"}

    @api.get("/ready")
    async def ready() -> dict[str, str]:
        """Ready for traffic: Redis answers and no stop is under way; else 503."""
        if drain.active:
            raise Unavailable("draining: this replica is about to stop")
        await store.ping()
        return {"status": "ready"}

    @api.get("/whoami")
    async def whoami() -> dict[str, str]:
        """Which replica answers, on which node, in which version."""
        return {
            "replica": settings.replica,
            "node": settings.node_name,
            "version": settings.app_version,
        }

    @api.get("/count")
    async def read_count() -> dict[str, int]:
        """The counter that all replicas share."""
        return {"count": await store.count()}

    @api.post("/count")
    async def increment_count() -> dict[str, int]:
        """Add one and answer the new value."""
        return {"count": await store.increment()}
