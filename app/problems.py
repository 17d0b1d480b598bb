"""Errors as the client sees them: ``application/problem+json`` (RFC 9457), all of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route

from app.store import StoreAway

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1

DETAILS = {
    HTTPStatus.UNAUTHORIZED: "the X-API-Key header is missing or wrong",
    HTTPStatus.NOT_FOUND: "there is nothing here",
    HTTPStatus.METHOD_NOT_ALLOWED: "PATCH is not possible here",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "more than 1048576 bytes",
    HTTPStatus.UNPROCESSABLE_ENTITY: "query.ms: Input should be greater than or equal to 1",
    HTTPStatus.SERVICE_UNAVAILABLE: "Redis does not answer (ConnectionError)",
}
"""An example of each, as OpenAPI shows it."""


class FieldError(BaseModel):
    """One part of a request that was not accepted."""

    at: str = Field(examples=["query.ms"])
    detail: str = Field(examples=["Input should be greater than or equal to 1"])


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(examples=["Service Unavailable"])
    status: int = Field(ge=400, le=599, examples=[503])
    detail: str = Field(examples=["Redis does not answer (ConnectionError)"])
    errors: list[FieldError] | None = Field(default=None, description="with 422 only")


class Unavailable(HTTPException):
    """This replica cannot answer now, for the reason given; another one may."""

    def __init__(self, detail: str) -> None:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers)


def install(api: FastAPI) -> None:
    """Answer every error of an application as a problem."""
    api.add_exception_handler(HTTPException, _refused)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(StoreAway, _store_away)
    api.add_exception_handler(ClientDisconnect, _gone)
    api.add_exception_handler(Exception, _broken)


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> JSONResponse:
    """One problem as a response."""
    content = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(content, status, headers, MEDIA_TYPE)


# Handlers are coroutines: others would cost a thread each.


async def _refused(request: Request, error: Exception) -> JSONResponse:
    error = cast("HTTPException", error)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = {"Allow": ", ".join(sorted(_methods(request)))}
        return problem(error.status_code, f"{request.method} is not possible here", allow)
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = DETAILS[HTTPStatus.NOT_FOUND]
    return problem(error.status_code, detail, error.headers)


def _methods(request: Request) -> set[str]:
    """All that the path offers; the router's own answer names one route's methods only."""
    routes = (each for each in request.app.routes if isinstance(each, Route))
    matching = (each for each in routes if each.matches(request.scope)[0] is not Match.NONE)
    return {method for each in matching for method in each.methods or ()}


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Say where and why; never repeat what was sent."""
    found = cast("RequestValidationError", error).errors()
    wrong = [{"at": ".".join(map(str, e["loc"])), "detail": str(e["msg"])} for e in found]
    detail = "; ".join(f"{each['at']}: {each['detail']}" for each in wrong)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=wrong)


async def _store_away(request: Request, error: Exception) -> JSONResponse:
    """Redis is away; say that a write may have been lost on the way."""
    written = "" if request.method == "GET" else "; the write may or may not have happened"
    return await _refused(request, Unavailable(f"Redis does not answer ({error}){written}"))


async def _gone(_request: Request, _error: Exception) -> JSONResponse:
    """The client went away in the middle of its body: nobody reads this, and nothing broke."""
    return problem(HTTPStatus.BAD_REQUEST, "the body ended early")


async def _broken(_request: Request, _error: Exception) -> JSONResponse:
    """A fault of this program: the log has it, the client gets no details."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a bug; the log says more")


Responses = dict[int | str, dict[str, Any]]
"""What FastAPI's ``responses`` takes."""


def documented(*statuses: HTTPStatus) -> Responses:
    """The problems that an operation may answer."""
    return {int(status): description(status) for status in statuses}


def description(status: HTTPStatus) -> dict[str, Any]:
    """A problem in the words of OpenAPI."""
    example = {"title": status.phrase, "status": int(status), "detail": DETAILS[status]}
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        at, _, detail = DETAILS[status].partition(": ")
        example["errors"] = [{"at": at, "detail": detail}]
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {MEDIA_TYPE: {"schema": schema, "example": example}}
    return {"description": status.phrase, "content": content}
