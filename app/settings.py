"""What the environment may say, checked once at the start."""

from __future__ import annotations

import socket

from pydantic import Field, RedisDsn, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class BadSettings(Exception):
    """One line that names every variable that is wrong; shows no value, which may be secret."""


class Settings(BaseSettings):
    """One field per environment variable of the same name in capitals.

    An empty variable counts as not set, so that ``${NAME:-}`` in a manifest is harmless.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    app_name: str = "orchlab"
    app_version: str = "dev"
    redis_url: RedisDsn = RedisDsn("redis://redis:6379/0")
    node_name: str = "local"
    """The node that this replica runs on, as the platform knows it."""
    drain_seconds: float = Field(default=3, ge=0, le=60)
    """How long to go on serving after SIGTERM; longer than a balancer needs to notice."""
    port: int = Field(default=8000, ge=1, le=65535)

    @property
    def replica(self) -> str:
        """This replica's name: its host name, which every platform makes unique."""
        return socket.gethostname()


def load() -> Settings:
    """Read the environment; raises ``BadSettings``."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = (f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise BadSettings(f"wrong setting: {'; '.join(wrong)}") from error
