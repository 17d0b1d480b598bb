"""What every platform does unless it is told better, with ``--profile full``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from orchlab.experiments.registry import EXPERIMENTS
from orchlab.platforms.base import DEFAULTS, Platform, Release
from orchlab.records import Finding
from orchlab.testing.lab import Lab

pytestmark = pytest.mark.defaults

QUESTIONS = [name for name, make in EXPERIMENTS.items() if DEFAULTS in make().variants]


@pytest.fixture(scope="module")
def release(platform: Platform, _orchlab: Lab) -> Iterator[Release]:
    """The lab's app by the defaults; afterwards it is again as other tests know it."""
    usual = _orchlab.release(platform)
    made = replace(usual, variant=DEFAULTS)
    platform.undeploy()
    platform.deploy(made)
    yield made
    platform.undeploy()
    platform.deploy(usual)


@pytest.mark.parametrize(
    "_question", [pytest.param(name, marks=pytest.mark.question(name)) for name in QUESTIONS]
)
def test_what_was_promised_is_kept(answer: Callable[[], Finding], _question: str) -> None:
    """The defaults may lack something, which is a finding, and break no promise."""
    finding = answer()
    assert finding.verdict in ("pass", "limit", "unsupported"), finding
