"""Which tests ``--orchlab-platforms`` leaves out. Imports nothing that takes time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

NAMES = ("compose", "swarm", "k8s")
"""As in ``orchlab.platforms.registry``, which takes a second to import."""


def left_out(wanted: str, items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests of platforms that are not among these comma-separated names; empty: all are.

    Raises ``pytest.UsageError`` for a name that does not exist.
    """
    names = {word.strip() for word in wanted.split(",") if word.strip()}
    if unknown := names - set(NAMES):
        hint = f"valid names: {', '.join(NAMES)}"
        raise pytest.UsageError(f"unknown platform {', '.join(sorted(unknown))}; {hint}")
    unwanted = [name for name in NAMES if names and name not in names]
    return [item for item in items if platform_of(item) in unwanted]


def platform_of(item: pytest.Item) -> str:
    """The parameter of that name, which may be that of somebody's own fixture; empty: none."""
    call = getattr(item, "callspec", None)
    name = call.params.get("platform") if call else None
    return name if isinstance(name, str) else ""
