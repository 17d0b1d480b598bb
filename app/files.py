"""Routes of the files on the data volume."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from app.problems import Responses, Unavailable, documented

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from app.volume import Volume

T = TypeVar("T")

Name = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="No slash and no leading dot: it cannot leave the directory",
        examples=["notes.txt"],
    ),
]
BYTES = "application/octet-stream"
CONTENT = {BYTES: {"schema": {"type": "string", "format": "binary"}, "example": "hello"}}


class Stored(BaseModel):
    """A file that is on the disk now."""

    name: str = Field(examples=["notes.txt"])
    size: int = Field(description="Bytes", examples=[5])


BODY: dict[str, Any] = {"requestBody": {"content": CONTENT}}
REFUSED = documented(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
WRITTEN: Responses = {
    **REFUSED,
    **documented(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    201: {"description": "The file is new", "model": Stored},
}
GONE = REFUSED | documented(HTTPStatus.NOT_FOUND)
READ: Responses = {**GONE, 200: {"content": CONTENT}}


def add(api: FastAPI, volume: Volume, limit: int) -> None:
    """Add ``/files/{name}``; ``limit`` is the largest file in bytes."""

    @api.put("/files/{name}", tags=["files"], responses=WRITTEN, openapi_extra=BODY)
    async def write_file(name: Name, request: Request, response: Response) -> Stored:
        """Create or replace a file: all of it or nothing, and on the disk before the answer."""
        content = await _body(request, limit)
        if await _on_disk(volume.write, name, content):
            response.status_code = HTTPStatus.CREATED
        return Stored(name=name, size=len(content))

    @api.get("/files/{name}", tags=["files"], responses=READ, response_class=Response)
    async def read_file(name: Name) -> Response:
        """The file's content, byte for byte."""
        content = await _on_disk(volume.read, name)
        # A browser must not run what somebody has uploaded.
        return Response(content, headers={"X-Content-Type-Options": "nosniff"}, media_type=BYTES)

    @api.delete("/files/{name}", tags=["files"], responses=GONE, status_code=204)
    async def delete_file(name: Name) -> Response:
        """Remove a file; it is gone from the disk before the answer."""
        await _on_disk(volume.delete, name)
        return Response(status_code=HTTPStatus.NO_CONTENT)


async def _body(request: Request, limit: int) -> bytes:
    """What the client sends; raises 413 as soon as it is too much, announced or not."""
    too_large = HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {limit} bytes")
    if int(request.headers.get("Content-Length", 0)) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


async def _on_disk(action: Callable[..., T], *arguments: object) -> T:
    """Do it in a thread, since the disk may take its time; raises 404 and 503."""
    try:
        return await run_in_threadpool(action, *arguments)
    except FileNotFoundError:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no file of that name") from None
    except OSError as error:
        raise Unavailable(f"the data volume refuses ({type(error).__name__})") from error
