"""The API key: who may see the settings, reset the counter and break things."""

from __future__ import annotations

from hmac import compare_digest
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.security import APIKeyHeader
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from app.problems import DETAILS

if TYPE_CHECKING:
    from pydantic import SecretStr

HEADER = "X-API-Key"


class RequireKey(APIKeyHeader):
    """Lets a request pass that carries the key; where no key is configured, none passes."""

    def __init__(self, key: SecretStr | None) -> None:
        super().__init__(name=HEADER, scheme_name="ApiKey", auto_error=False)
        self._key = key.get_secret_value().encode() if key else None

    async def __call__(self, request: HTTPConnection) -> None:
        """Raise 401 unless the key is right; takes as long for every wrong key of its length."""
        given = request.headers.get(HEADER, "").encode("latin-1")  # the bytes as they were sent
        if self._key is None or not compare_digest(given, self._key):
            detail = DETAILS[HTTPStatus.UNAUTHORIZED]
            raise HTTPException(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "ApiKey"})
