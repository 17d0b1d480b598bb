"""Routes of the counter that all replicas share."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import Security
from pydantic import BaseModel, Field

from app.problems import documented

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.security import RequireKey
    from app.store import Store

logger = logging.getLogger(__name__)


class Count(BaseModel):
    """The counter."""

    count: int = Field(examples=[42])


class Reset(BaseModel):
    """The counter after a reset, and what it was in the moment before."""

    count: int = Field(examples=[0])
    before: int = Field(examples=[42])


def add(api: FastAPI, store: Store, key: RequireKey) -> None:
    """Add ``/count`` and ``/reset``."""
    away = documented(HTTPStatus.SERVICE_UNAVAILABLE)
    guarded = documented(HTTPStatus.UNAUTHORIZED) | away

    @api.get("/count", tags=["counter"], responses=away)
    async def read_count() -> Count:
        """The counter that all replicas share."""
        return Count(count=await store.count())

    @api.post("/count", tags=["counter"], responses=away)
    async def increment_count() -> Count:
        """Add one and answer the new value."""
        return Count(count=await store.increment())

    @api.post("/reset", tags=["counter"], responses=guarded, dependencies=[Security(key)])
    async def reset_count() -> Reset:
        """Back to zero in one step: no increment falls between the reading and the writing."""
        before = await store.reset()
        logger.info("counter reset from %d", before)
        return Reset(count=0, before=before)
