"""What clients saw while a test did something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab import app_file
from orchlab.metrics import Tally, tally, void_reasons
from orchlab.outages import blackout, blackout_text, disturbed_s
from orchlab.platforms.base import Endpoint
from orchlab.prober import Prober
from orchlab.records import Outage, Sample


class Probing:
    """The samples of one prober so far: of all endpoints, on new and on reused connections."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober

    @property
    def samples(self) -> list[Sample]:
        """Each request, in the order of the answers."""
        return [each for each in self._prober.samples() if each.series != "control"]

    @property
    def tally(self) -> Tally:
        """``failed`` of ``total`` requests; as text with the bound that no failure leaves."""
        return tally(self.samples)

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return self.tally.failed

    @property
    def blackout(self) -> Outage | None:
        """The longest interval without any success, as bounds; None without a failure."""
        return blackout(self.samples)

    @property
    def disturbed_s(self) -> float:
        """Seconds in which anything failed, counted in bins of 100 ms."""
        return disturbed_s(self.samples)

    @property
    def void(self) -> list[str]:
        """Why the samples prove nothing: the prober fell behind, or its control failed."""
        return void_reasons(self._prober.samples())

    def __str__(self) -> str:
        void = f"; void: {'; '.join(self.void)}" if self.void else ""
        bounds = f"{blackout_text(self.blackout)} s"
        disturbed = f"{self.disturbed_s:.1f} s"
        return f"failed {self.tally}; longest blackout {bounds}; disturbed {disturbed}{void}"


@contextmanager
def probing(
    rows: Path, endpoints: list[Endpoint], path: str = "/", rate: float = 50.0
) -> Iterator[Probing]:
    """Probe while the block runs; ``rate`` is in requests per second, as ``Prober`` takes it.

    Raises ``ValueError`` for a path that is none.
    """
    rows.unlink(missing_ok=True)
    app = app_file.checked({"name": "somebodys", "image": "somebodys", "port": 80, "health": path})
    with Prober(endpoints, rows, rate, app) as prober:
        yield Probing(prober)
