"""From samples to the metrics of one fault. Pure: no clock, no file, no state.

F, failed and total requests, is here, with latencies, the prober's own lag and what
makes a repetition void; B, P and R are made of intervals: see ``orchlab.outages``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchlab.outages import (
    NS_PER_MS,
    NS_PER_S,
    blackout,
    blackout_text,
    decided,
    disturbed_s,
    in_order,
    recovered_s,
)
from orchlab.records import Outage, Sample

LAG_LIMIT_MS = 20.0
ALPHA = 0.05
"""One minus the confidence level of ``zero_failures_bound``."""


@dataclass(frozen=True, slots=True)
class Tally:
    """F: ``failed`` of ``total`` requests; ``info`` samples are in neither."""

    failed: int
    total: int

    def __str__(self) -> str:
        if self.failed or not self.total:
            return f"{self.failed}/{self.total}"
        return f"0/{self.total} (< {100 * zero_failures_bound(self.total):.2g} %)"


@dataclass(frozen=True, slots=True)
class Metrics:
    """What one fault did to the clients, from the fault to the end of the window.

    ``recovered_s`` is R, None when no 5 s of uninterrupted success began and
    ended within ``observed_s``. ``failed_after_recovery`` tells an outage that
    began or came back later than R. Latencies are of successes, sent -> done.
    """

    new: Tally
    reused: Tally
    blackout: Outage | None
    disturbed_s: float
    recovered_s: float | None
    failed_after_recovery: int
    observed_s: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    lag_p99_ms: float | None

    def values(self) -> dict[str, float | int | str]:
        """The same as ``Finding.values``: units in the names, a censored R as text."""
        found: dict[str, float | int | str | None] = {
            "failed_new": str(self.new),
            "failed_reused": str(self.reused),
            "blackout_s": blackout_text(self.blackout),
            "disturbed_s": self.disturbed_s,
            "recovered_s": self.recovered_text(),
            "latency_p50_ms": self.latency_p50_ms,
            "latency_p99_ms": self.latency_p99_ms,
            "lag_p99_ms": self.lag_p99_ms,
        }
        if self.failed_after_recovery:
            found["failed_after_recovery"] = self.failed_after_recovery
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in found.items()
            if value is not None
        }

    def recovered_text(self) -> float | str:
        """R in seconds, or ``>= window`` when it was censored."""
        return f">= {self.observed_s:.1f}" if self.recovered_s is None else self.recovered_s


def measure(samples: Iterable[Sample], fault_ns: int, end_ns: int) -> Metrics:
    """All metrics of the window from ``fault_ns`` until ``end_ns`` (the end of probing).

    Earlier samples serve only as the last good one before a blackout. Samples of
    the control series are ignored: they don't reach the app.
    """
    app = [s for s in samples if s.series != "control" and s.sent_ns < end_ns]
    seen = between(app, fault_ns, end_ns)
    recovered = recovered_s(seen, fault_ns, end_ns)
    return Metrics(
        new=tally(sample for sample in seen if sample.series == "new"),
        reused=tally(sample for sample in seen if sample.series == "reused"),
        blackout=blackout(app, since_ns=fault_ns),
        disturbed_s=disturbed_s(seen),
        recovered_s=recovered,
        failed_after_recovery=_failed_since(seen, fault_ns, recovered),
        observed_s=(end_ns - fault_ns) / NS_PER_S,
        latency_p50_ms=latency_ms(seen, 50),
        latency_p99_ms=latency_ms(seen, 99),
        lag_p99_ms=lag_ms(seen, 99),
    )


def between(samples: Iterable[Sample], start_ns: int, end_ns: int) -> list[Sample]:
    """Samples sent at or after ``start_ns`` and before ``end_ns``, in time order."""
    return in_order(sample for sample in samples if start_ns <= sample.sent_ns < end_ns)


def tally(samples: Iterable[Sample]) -> Tally:
    """F of these samples; ``info`` is not counted."""
    known = decided(samples)
    return Tally(sum(sample.outcome == "fail" for sample in known), len(known))


def percentile(values: Iterable[float], percent: float) -> float | None:
    """The nearest-rank percentile: always a value that occurred; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]


def latency_ms(samples: Iterable[Sample], percent: float) -> float | None:
    """That percentile of sent -> done over the successes, in milliseconds."""
    return percentile(
        ((s.done_ns - s.sent_ns) / NS_PER_MS for s in samples if s.outcome == "ok"), percent
    )


def lag_ms(samples: Iterable[Sample], percent: float) -> float | None:
    """That percentile of intended -> sent over all samples, in milliseconds."""
    return percentile(((s.sent_ns - s.intended_ns) / NS_PER_MS for s in samples), percent)


def zero_failures_bound(total: int) -> float:
    """Highest failure rate (0..1) that ``total`` requests without a failure leave credible.

    The exact one-sided 95 % bound (Clopper-Pearson); 3 / total approximates it.
    Raises ``ValueError`` when nothing was sent.
    """
    if total < 1:
        raise ValueError("no request, no bound")
    return float(1 - ALPHA ** (1 / total))


def void_reasons(samples: Iterable[Sample]) -> list[str]:
    """Why these samples prove nothing; empty when they do.

    A repetition is void when the prober could not keep its schedule (p99 send
    lag above 20 ms) or the static control server was not probed or failed.
    """
    everything = list(samples)
    control = tally(sample for sample in everything if sample.series == "control")
    return list(_void_reasons(lag_ms(everything, 99), control))


def _void_reasons(lag: float | None, control: Tally) -> Iterator[str]:
    if lag is not None and lag > LAG_LIMIT_MS:
        yield f"p99 send lag {lag:.1f} ms is above {LAG_LIMIT_MS:g} ms"
    if not control.total:
        yield "the control server was not probed"
    elif control.failed:
        yield f"{control.failed} of {control.total} control requests failed"


def _failed_since(samples: list[Sample], fault_ns: int, recovered: float | None) -> int:
    if recovered is None:
        return 0
    since = fault_ns + round(recovered * NS_PER_S)
    return sum(s.outcome == "fail" and s.sent_ns >= since for s in samples)
