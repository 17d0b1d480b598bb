"""What a platform says while it is probed, as rows beside the samples."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from orchlab import measuring
from orchlab.images.store import ImageStore
from orchlab.outages import NS_PER_S
from orchlab.platforms.base import Endpoint
from orchlab.platforms.capabilities import Happening, Tell
from orchlab.records import Event


class Silent:
    """A platform that is probed and says nothing."""

    images = ImageStore()

    def endpoints(self) -> list[Endpoint]:
        return []


class Talking(Silent):
    """A platform that says at once what happened a second ago by its own clock."""

    ended = False

    @contextmanager
    def watch(self, tell: Tell) -> Iterator[None]:
        tell(Happening(time.time_ns() - NS_PER_S, "web.1: task failed", "swarm", "w1"))
        yield
        self.ended = True


@pytest.fixture(autouse=True)
def _no_prober(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "Prober", lambda *_args, **_kwargs: nullcontext())


def test_a_platform_s_own_time_stands_on_the_axis_of_the_samples(tmp_path: Path) -> None:
    """An event of kind platform, a second before it was told, with its source and node."""
    rows: list[Event] = []
    platform = Talking()
    with measuring.observed(platform, tmp_path, rows.append):  # type: ignore[arg-type]
        now = time.monotonic_ns()
    (row,) = rows
    assert (row.kind, row.subject) == ("platform", "web.1: task failed")
    assert row.detail == {"source": "swarm", "node": "w1"}
    assert (now - row.at_ns) / NS_PER_S == pytest.approx(1, abs=0.5)
    assert platform.ended


def test_a_platform_that_cannot_be_watched_is_probed_all_the_same(tmp_path: Path) -> None:
    """No row and no error."""
    rows: list[Event] = []
    with measuring.observed(Silent(), tmp_path, rows.append):  # type: ignore[arg-type]
        pass
    assert rows == []
