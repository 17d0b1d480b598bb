"""Names that a user may type: a choice out of a table, several of them comma-separated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from orchlab.errors import UnknownName

T = TypeVar("T")


def pick(kind: str, text: str, table: Collection[str]) -> list[str]:
    """The names in ``text``, each once, or all of ``table`` when it is empty.

    Raises ``UnknownName``, which lists the valid ones.
    """
    wanted = [name.strip() for name in text.split(",") if name.strip()] or table
    for name in wanted:
        if name not in table:
            raise UnknownName(kind, name, table)
    return list(dict.fromkeys(wanted))


def one(kind: str, name: str, table: Mapping[str, T]) -> T:
    """What stands under that name. Raises ``UnknownName``, which lists the valid ones."""
    if name not in table:
        raise UnknownName(kind, name, table)
    return table[name]
