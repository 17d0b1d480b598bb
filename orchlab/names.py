"""Names that a user may type: a comma-separated choice out of a table."""

from __future__ import annotations

from collections.abc import Collection

from orchlab.errors import UnknownName


def pick(kind: str, text: str, table: Collection[str]) -> list[str]:
    """The names in ``text``, each once, or all of ``table`` when it is empty.

    Raises ``UnknownName``, which lists the valid ones.
    """
    wanted = [name.strip() for name in text.split(",") if name.strip()] or table
    for name in wanted:
        if name not in table:
            raise UnknownName(kind, name, table)
    return list(dict.fromkeys(wanted))
