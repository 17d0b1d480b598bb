"""Fixtures of several unit tests."""

from __future__ import annotations

import pytest

from orchlab import shell
from tests.unit.node_filter import LISTING


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run on nodes; a filter is there and has dropped packets."""
    ran: list[list[str]] = []

    def run(argv: list[str], **_: object) -> str:
        ran.append(argv)
        return LISTING

    monkeypatch.setattr(shell, "run", run)
    return ran
