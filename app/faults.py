"""Faults on demand, only where ``FAULTS_ENABLED`` is set; elsewhere the routes do not exist.

=====  ======================================================================================
crash  the process ends with status 1 as soon as its answer is sent: no drain, open
       requests are cut
hang   the event loop is blocked for good once the answer is sent: connections are accepted
       by the kernel and never answered, SIGTERM included; only SIGKILL ends it
slow   every later request of this replica, probes included, waits so many milliseconds;
       0 ends it
leak   so many more MiB are kept until the process ends
=====  ======================================================================================
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query, Response, Security
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask

from app.problems import documented

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.security import RequireKey

CRASH_STATUS = 1
MIB = 2**20

Delay = Annotated[int, Query(ge=0, le=60_000, description="Milliseconds", examples=[300])]
Size = Annotated[int, Query(ge=1, le=1024, description="MiB", examples=[64])]

logger = logging.getLogger(__name__)


class Fault(BaseModel):
    """What is going to happen."""

    fault: str = Field(examples=["slow"])
    detail: str = Field(examples=["every later request waits 300 ms"])


class Faults:
    """What has been broken so far."""

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.leaked: list[bytes] = []


class Slowed:
    """Wraps the application: requests wait as long as the faults say."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then pass the call on."""
        if scope["type"] == "http" and self._faults.delay_seconds:
            await asyncio.sleep(self._faults.delay_seconds)
        await self._app(scope, receive, send)


# Coroutines, although they never wait: another function would run in a thread of its own.


async def _crash() -> None:
    os._exit(CRASH_STATUS)


async def _hang() -> None:
    while True:
        time.sleep(3600)  # noqa: ASYNC251 (blocking the event loop is the point)


def add(api: FastAPI, faults: Faults, key: RequireKey) -> None:
    """Add ``/fault/...``."""
    errors = documented(HTTPStatus.UNAUTHORIZED)
    bounded = errors | documented(HTTPStatus.UNPROCESSABLE_ENTITY)
    route: dict[str, Any] = {"tags": ["faults"], "dependencies": [Security(key)]}
    route["status_code"] = HTTPStatus.ACCEPTED

    @api.post("/fault/crash", **route, responses=errors, response_model=Fault)
    async def crash() -> Response:
        """End the process at once, without a drain."""
        return _then(_crash, Fault(fault="crash", detail="the process ends now, with status 1"))

    @api.post("/fault/hang", **route, responses=errors, response_model=Fault)
    async def hang() -> Response:
        """Block the event loop for good: only SIGKILL ends this process."""
        return _then(_hang, Fault(fault="hang", detail="nothing will be answered any more"))

    @api.post("/fault/slow", **route, responses=bounded)
    async def slow(ms: Delay) -> Fault:
        """Delay every later request of this replica, probes included; 0 ends it."""
        faults.delay_seconds = ms / 1000
        return _logged(Fault(fault="slow", detail=f"every later request waits {ms} ms"))

    @api.post("/fault/leak", **route, responses=bounded)
    def leak(mib: Size) -> Fault:
        """Keep so much more memory until the process ends."""
        faults.leaked.append(b"\xff" * (mib * MIB))  # written to, so that it counts as used
        kept = sum(map(len, faults.leaked)) // MIB
        return _logged(Fault(fault="leak", detail=f"{kept} MiB are kept"))


def _then(act: Any, fault: Fault) -> Response:  # noqa: ANN401 (a coroutine function)
    """Answer first, then let it happen."""
    task = BackgroundTask(act)
    return JSONResponse(_logged(fault).model_dump(), HTTPStatus.ACCEPTED, background=task)


def _logged(fault: Fault) -> Fault:
    logger.warning("fault %s: %s", fault.fault, fault.detail)
    return fault
