"""What FastAPI cannot know of the interface: the headers and errors that are added around it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from app.access import ID_HEADER, ID_PATTERN
from app.problems import RETRY_AFTER_SECONDS, Problem, description

if TYPE_CHECKING:
    from starlette.types import Lifespan

DESCRIPTION = f"""The one application that the lab deploys, breaks and measures.

Every error is an `application/problem+json` (RFC 9457): besides those listed with each
operation, 404 for a path that does not exist and 405 for a method that a path does not have.

Every answer carries `X-Replica`, `X-Version` and `{ID_HEADER}`. A client may send an id of
its own in `{ID_HEADER}` (`{ID_PATTERN}`); any other is replaced.
"""

EVERYWHERE = {
    "X-Replica": ("The replica that answered", {"type": "string"}, "web-1"),
    "X-Version": ("The version that it runs", {"type": "string"}, "1"),
    ID_HEADER: (
        "By this id the log knows the request",
        {"type": "string", "pattern": f"^{ID_PATTERN}$"},
        "2f5c0a9b7d31-42",
    ),
}
SOMETIMES = {
    "Retry-After": ("Seconds to wait", {"type": "integer", "minimum": 0}, RETRY_AFTER_SECONDS),
    "WWW-Authenticate": ("What is asked for", {"type": "string"}, "ApiKey"),
    "Allow": ("The methods that the path has", {"type": "string"}, "GET, POST"),
}
BY_STATUS = {
    HTTPStatus.SERVICE_UNAVAILABLE: "Retry-After",
    HTTPStatus.UNAUTHORIZED: "WWW-Authenticate",
    HTTPStatus.METHOD_NOT_ALLOWED: "Allow",
}


class Api(FastAPI):
    """FastAPI with one address for each route and a complete description of itself."""

    def __init__(self, title: str, version: str, lifespan: Lifespan[FastAPI]) -> None:
        super().__init__(
            title=title,
            version=version,
            description=DESCRIPTION,
            lifespan=lifespan,
            redirect_slashes=False,  # a redirect would be an answer that nobody described
            redoc_url=None,
            telemetry={"tracing": False, "metrics": False, "logs": False},  # costs, unused
            generate_unique_id_function=lambda route: route.name,
        )

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; made at the first request for it."""
        if self.openapi_schema is None:
            self.openapi_schema = _complete(super().openapi())
        return self.openapi_schema


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    components["headers"] = {
        name: {"description": text, "schema": schema, "required": True, "example": example}
        for name, (text, schema, example) in (EVERYWHERE | SOMETIMES).items()
    }
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= problem.pop("$defs") | {"Problem": problem}
    components["responses"] = {
        "NotFound": description(HTTPStatus.NOT_FOUND),
        "MethodNotAllowed": description(HTTPStatus.METHOD_NOT_ALLOWED),
    }
    _add_headers(components["responses"]["NotFound"], HTTPStatus.NOT_FOUND)
    _add_headers(components["responses"]["MethodNotAllowed"], HTTPStatus.METHOD_NOT_ALLOWED)
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                _add_headers(response, int(status))
    return document


def _add_headers(response: dict[str, Any], status: int) -> None:
    names = [*EVERYWHERE, *(name for each, name in BY_STATUS.items() if each == status)]
    refs = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    response["headers"] = refs | response.get("headers", {})
