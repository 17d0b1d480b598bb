"""Whether the app answers through the nodes that are left when one is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab.metrics import tally
from orchlab.platforms.base import Platform
from orchlab.prober import Prober


@contextmanager
def served(platform: Platform, without: str, into: Path) -> Iterator[None]:
    """Requests through every other node than the one that is lost go on being answered.

    Nine of ten suffice: a third would fail if nobody went round a dead node. The exact
    numbers are what the experiments measure.
    """
    others = [each for each in platform.endpoints() if each.node != without]
    with Prober(others, into):
        yield
    samples = [each for each in Prober(others, into).samples() if each.series != "control"]
    assert {each.entry for each in samples} == {each.node for each in others}
    lost = tally(samples)
    assert lost.failed < lost.total / 10, lost
