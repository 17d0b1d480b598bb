"""Options and rules for all tests. The tests work in a lab of their own, beside the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchlab import labels

labels.enter("test")

LIVE = Path(__file__).parent / "live"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("orchlab")
    group.addoption(
        "--platforms",
        default="",
        help="comma-separated platforms for the live tests (default: all)",
    )
    group.addoption(
        "--keep", action="store_true", help="leave the platforms up after the live tests"
    )
    group.addoption("--images", default="auto", help="auto, pull or build, as for `invoke compare`")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skipped live test into a failure: a missing capability must be said, not hidden."""
    report = yield
    if report.skipped and LIVE in item.path.parents:
        report.outcome = "failed"
        report.longrepr = f"a live test may not be skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _plain_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests read plain text, whatever terminal they run in."""
    monkeypatch.setenv("NO_COLOR", "1")
    os.environ.pop("FORCE_COLOR", None)
