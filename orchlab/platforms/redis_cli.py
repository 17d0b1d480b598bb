"""How Redis is asked inside its container, on every platform."""

from __future__ import annotations

_SCRIPT = 'printf "%s\\n" "$@" | redis-cli'


def conversation(*commands: str) -> list[str]:
    """Arguments of an exec that sends Redis commands over one connection, in order."""
    return ["sh", "-c", _SCRIPT, "redis-cli", *commands]
