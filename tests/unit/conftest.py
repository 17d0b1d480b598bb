"""Fixtures of several unit tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from orchlab import results, shell
from tests import sample_run
from tests.unit.node_filter import LISTING

settings.register_profile("orchlab", deadline=None)  # on a busy machine a deadline proves nothing
settings.load_profile("orchlab")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run on nodes; a filter is there and has dropped packets."""
    ran: list[list[str]] = []

    def run(argv: list[str], **_: object) -> str:
        ran.append(argv)
        return LISTING

    monkeypatch.setattr(shell, "run", run)
    return ran


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a sample run: every experiment, two repetitions, few requests."""
    return sample_run.write(tmp_path_factory.mktemp("sample"), repetitions=2, rate=5, seconds=12)


@pytest.fixture
def run(sample: Path) -> results.Run:
    """The sample run, read anew."""
    return results.load(sample)
