"""Routes by which the app says what it is, and a plain one to try requests on."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path, Query, Security
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from app.problems import Responses, Unavailable, documented
from app.store import Store, StoreAway

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from fastapi import FastAPI

    from app.drain import Drain
    from app.security import RequireKey
    from app.settings import Settings

LARGEST_ID = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""


class Index(BaseModel):
    """What this is."""

    app: str = Field(examples=["orchlab"])
    version: str = Field(examples=["1"])


class Whoami(BaseModel):
    """Which replica answers."""

    replica: str = Field(examples=["web-1"])
    node: str = Field(examples=["worker-1"])
    version: str = Field(examples=["1"])


class Item(BaseModel):
    """What was asked for, given back."""

    item_id: int = Field(examples=[7])
    q: str | None = Field(default=None, examples=["red"])


class RedisState(BaseModel):
    """Whether Redis answered just now."""

    up: bool
    milliseconds: float | None = Field(description="Until it answered", examples=[0.4])
    error: str | None = Field(description="When it did not", examples=["ConnectionError"])


class Status(BaseModel):
    """How this replica is, and how it was set up."""

    replica: str = Field(examples=["web-1"])
    uptime_seconds: float = Field(ge=0, examples=[42.5])
    draining: bool
    redis: RedisState
    settings: dict[str, str | int | float | bool | None] = Field(
        description="By environment variable; secrets are masked",
        examples=[{"APP_VERSION": "1", "API_KEY": "**********", "PORT": 8000}],
    )


ItemId = Annotated[int, Path(ge=0, le=LARGEST_ID, examples=[7])]
Q = Annotated[str | None, Query(max_length=100, examples=["red"])]


def add(api: FastAPI, settings: Settings, replica: str) -> None:
    """Add ``/``, ``/whoami`` and ``/items/{item_id}``."""

    @api.get("/", tags=["about"])
    async def index() -> Index:
        """What this is."""
        return Index(app=settings.app_name, version=settings.app_version)

    @api.get("/whoami", tags=["about"])
    async def whoami() -> Whoami:
        """Which replica answers, on which node, in which version."""
        return Whoami(replica=replica, node=settings.node_name, version=settings.app_version)

    bad = documented(HTTPStatus.UNPROCESSABLE_ENTITY)

    @api.get("/items/{item_id}", tags=["about"], responses=bad)
    async def item(item_id: ItemId, q: Q = None) -> Item:
        """Both parameters, checked and given back."""
        return Item(item_id=item_id, q=q)


def add_guarded(
    api: FastAPI, settings: Settings, store: Store, drain: Drain, key: RequireKey
) -> None:
    """Add ``/status`` and ``/config``, which are for those who run the app."""
    started = time.monotonic()
    guarded: dict[str, Any] = {"tags": ["about"], "dependencies": [Security(key)]}

    @api.get("/status", **guarded, responses=documented(HTTPStatus.UNAUTHORIZED))
    async def status() -> Status:
        """How this replica is, and how it was set up; answers without Redis, too."""
        return Status(
            replica=settings.replica,
            uptime_seconds=round(time.monotonic() - started, 3),
            draining=drain.active,
            redis=await _redis_state(store),
            settings=settings.masked(),
        )

    errors = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
    example = {"example": {"greeting": "hello"}}
    content: Responses = {200: {"content": {"application/json": example}}}

    @api.get("/config", **guarded, responses=documented(*errors) | content)
    async def config() -> Any:  # noqa: ANN401 (any JSON)
        """The injected configuration file as it is now; 404 when there is none.

        It is read anew each time, since platforms differ in whether a change reaches
        a running container: that is one of the things to see.
        """
        if settings.config_file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no configuration file was injected")
        return await _read_json(settings.config_file)


async def _read_json(path: FilePath) -> Any:  # noqa: ANN401 (any JSON)
    try:
        return json.loads(await run_in_threadpool(path.read_bytes))
    except (OSError, ValueError) as error:
        detail = f"the configuration file cannot be read ({type(error).__name__})"
        raise Unavailable(detail) from error


async def _redis_state(store: Store) -> RedisState:
    asked = time.perf_counter()
    try:
        await store.ping()
    except StoreAway as away:
        return RedisState(up=False, milliseconds=None, error=str(away))
    took = round((time.perf_counter() - asked) * 1000, 2)
    return RedisState(up=True, milliseconds=took, error=None)
