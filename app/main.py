"""The application, put together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app import about, counter, faults, files, health, problems, work
from app.access import Access
from app.metrics import Metrics
from app.openapi import Api
from app.security import RequireKey
from app.store import Store
from app.volume import Volume

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from app.drain import Drain
    from app.settings import Settings


def create_app(settings: Settings, drain: Drain) -> ASGIApp:
    """The whole application; connects to nothing yet."""
    store, volume = Store(str(settings.redis_url)), Volume(settings.data_dir)
    metrics, key = Metrics(settings, drain), RequireKey(settings.key)
    replica = settings.replica

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        volume.sweep()
        async with store:
            yield

    api = Api(title=settings.app_name, version=settings.app_version, lifespan=lifespan)
    problems.install(api)
    # The order is that of the matching: what is asked most often comes first.
    health.add(api, store, drain, metrics)
    counter.add(api, store, key)
    about.add(api, settings, replica)
    about.add_guarded(api, settings, store, drain, key)
    files.add(api, volume, settings.file_limit_bytes)
    work.add(api)
    app: ASGIApp = api
    if settings.faults_enabled:
        broken = faults.Faults()
        faults.add(api, broken, key)
        app = faults.Slowed(api, broken)
    headers = {"X-Replica": replica, "X-Version": settings.app_version}
    return Access(app, headers, drain, metrics)
