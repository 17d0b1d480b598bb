"""Routes for probers: live, ready, figures."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.metrics import CONTENT_TYPE, Metrics
from app.problems import Responses, Unavailable, documented

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.drain import Drain
    from app.store import Store


class Health(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Traffic is welcome."""

    status: Literal["ready"] = "ready"


def add(api: FastAPI, store: Store, drain: Drain, metrics: Metrics) -> None:
    """Add ``/health``, ``/ready`` and ``/metrics``."""
    alive = JSONResponse({"status": "alive"})  # made once: it is asked for most often of all

    @api.get("/health", tags=["health"], response_model=Health)
    async def health() -> Response:
        """Live: the process answers. Nothing else is asked: a restart would mend nothing else."""
        return alive

    @api.get("/ready", tags=["health"], responses=documented(HTTPStatus.SERVICE_UNAVAILABLE))
    async def ready() -> Ready:
        """Ready for traffic: Redis answers and no stop is under way; else 503."""
        if drain.active:
            raise Unavailable("draining: this replica is about to stop")
        await store.ping()
        return Ready()

    @api.get("/metrics", tags=["health"], response_class=Response, responses=METRICS)
    async def figures() -> Response:
        """Figures in the text format of Prometheus."""
        return Response(metrics.render(), media_type=CONTENT_TYPE)


EXAMPLE = """# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_count{method="GET",route="/count",status="200"} 42.0
"""
METRICS: Responses = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}}}
}
