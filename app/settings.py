"""What the environment may say, checked once at the start."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    DirectoryPath,
    Field,
    FilePath,
    RedisDsn,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.asyncio import ConnectionPool

T = TypeVar("T", bound=BaseSettings)

MASK = "**********"
"""What pydantic shows for a secret."""
MIB = 2**20


class BadSettings(Exception):
    """One line that names every variable that is wrong; shows no value, which may be secret."""


def _wrong(why: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{why}", {"why": why})


def _usable(url: RedisDsn) -> RedisDsn:
    """Reject what the client would only stumble over at the first request."""
    if not (url.path or "/0").removeprefix("/").isdecimal():
        raise _wrong("the path must be the number of a database")
    try:
        ConnectionPool.from_url(str(url)).make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, ValueError):
        raise _wrong("the Redis client does not know an option in the query") from None
    return url


def _writable(directory: Path) -> Path:
    if not os.access(directory, os.W_OK | os.X_OK):
        raise _wrong("this user cannot write to the directory")
    return directory


def _json_file(path: Path) -> Path:
    try:
        json.loads(path.read_bytes())
    except OSError as error:
        raise _wrong(f"cannot be read ({type(error).__name__})") from None
    except ValueError:
        raise _wrong("the file is not JSON") from None
    return path


class Settings(BaseSettings):
    """One field per environment variable of the same name in capitals.

    An empty variable counts as not set, so that ``${NAME:-}`` in a manifest is harmless.
    ``.env.example`` explains each.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    app_name: str = "orchlab"
    app_version: str = Field(default="dev", pattern=r"^[!-~]{1,64}$")  # it travels in a header
    node_name: str = "local"
    """The node that this replica runs on, as the platform knows it."""
    debug_mode: bool = False
    redis_url: Annotated[RedisDsn, AfterValidator(_usable)] = Field(
        default=RedisDsn("redis://redis:6379/0"),
        validation_alias=AliasChoices("redis_url", "database_url"),
    )
    data_dir: Annotated[DirectoryPath, AfterValidator(_writable)] = Path("/data")
    file_limit_bytes: int = Field(default=MIB, ge=1, le=64 * MIB)
    config_file: Annotated[FilePath, AfterValidator(_json_file)] | None = None
    api_key: SecretStr | None = None
    api_key_file: Path | None = None
    faults_enabled: bool = False
    drain_seconds: float = Field(default=3, ge=0, le=60)
    """How long to go on serving after SIGTERM; longer than a balancer needs to notice."""
    port: int = Field(default=8000, ge=1, le=65535)

    @field_validator("api_key_file")
    @classmethod
    def _holds_a_key(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is not None:
            if info.data.get("api_key") is not None:
                raise _wrong("API_KEY is set too: one of them must go")
            secret_in(path)
        return path

    @property
    def key(self) -> SecretStr | None:
        """The API key, wherever it comes from; None when nobody set one."""
        return secret_in(self.api_key_file) if self.api_key_file else self.api_key

    @property
    def replica(self) -> str:
        """This replica's name: its host name, which every platform makes unique."""
        return socket.gethostname()

    def masked(self) -> dict[str, str | int | float | bool | None]:
        """Every variable with its value, as it may be shown: no secret, none in a URL either."""
        shown = self.model_dump(mode="json") | {"redis_url": _without_secrets(str(self.redis_url))}
        return {name.upper(): value for name, value in shown.items()}


def secret_in(path: Path) -> SecretStr:
    """The content of a file that holds a secret; raises ``ValueError`` with what is wrong."""
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise _wrong(f"cannot be read ({type(error).__name__})") from None
    if not key:
        raise _wrong("the file is empty")
    return SecretStr(key)


def _without_secrets(url: str) -> str:
    """Scheme, host and path; a user's name is masked too, and every option of the query."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"{MASK if user else ''}{at}{host}"
    return parts._replace(netloc=netloc, query=MASK if parts.query else "").geturl()


def load() -> Settings:
    """The app's settings out of the environment; raises ``BadSettings``."""
    return checked(Settings)


def checked(kind: type[T]) -> T:
    """Settings of that kind out of the environment; raises ``BadSettings``."""
    try:
        return kind()
    except ValidationError as error:
        wrong = (f"{_variable(str(e['loc'][0]))}: {e['msg']}" for e in error.errors())
        raise BadSettings(f"wrong setting: {'; '.join(wrong)}") from None


def _variable(field: str) -> str:
    """The name under which the user gave it."""
    if field == "redis_url" and not os.environ.get("REDIS_URL"):
        return "DATABASE_URL"
    return field.upper()
