"""From samples to outages and metrics. Pure: no clock, no file, no state.

====  =====================================================================
F     failed and total requests, apart for new and reused connections
B     the longest full blackout, as bounds (``records.Outage``)
P     time in which anything failed, counted in bins of 100 ms
R     fault -> first of 5 s of uninterrupted success; None when censored
====  =====================================================================

A sample stands at its ``sent_ns``. An ``info`` sample (a write that may have
happened) is neither a success nor a failure and is left out of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from orchlab.records import Outage, Sample

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
BIN_NS = 100 * NS_PER_MS
STEADY_NS = 5 * NS_PER_S
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


def in_order(samples: Iterable[Sample]) -> list[Sample]:
    """Samples by the time they were sent; of those sent together, the first answered."""
    return sorted(samples, key=lambda sample: (sample.sent_ns, sample.done_ns))


def decided(samples: Iterable[Sample]) -> list[Sample]:
    """Samples that are known to have succeeded or failed, in time order."""
    return in_order(sample for sample in samples if sample.outcome != "info")


def tally(samples: Iterable[Sample]) -> Tally:
    """F of these samples; ``info`` is not counted."""
    known = decided(samples)
    return Tally(sum(sample.outcome == "fail" for sample in known), len(known))


def outages(samples: Iterable[Sample]) -> list[Outage]:
    """Every interval without any success, in time order.

    Give it the samples of one lane for that lane's outages, or of all lanes for
    full blackouts.
    """
    runs = [
        (outcome, list(run))
        for outcome, run in groupby(decided(samples), key=lambda sample: sample.outcome)
    ]
    return [
        Outage(
            first_fail_ns=run[0].sent_ns,
            last_fail_ns=run[-1].sent_ns,
            last_good_ns=runs[i - 1][1][-1].sent_ns if i else None,
            next_good_ns=runs[i + 1][1][0].sent_ns if i + 1 < len(runs) else None,
            failures=len(run),
        )
        for i, (outcome, run) in enumerate(runs)
        if outcome == "fail"
    ]


def blackout(samples: Iterable[Sample], since_ns: int = 0) -> Outage | None:
    """B: the outage with the longest lower bound, then the most failures, then the first.

    Outages that were over before ``since_ns`` don't count.
    """
    return max(
        (outage for outage in outages(samples) if outage.last_fail_ns >= since_ns),
        key=lambda outage: (outage.last_fail_ns - outage.first_fail_ns, outage.failures),
        default=None,
    )


def bounds_s(outage: Outage) -> tuple[float, float | None]:
    """How long an outage lasted, at least and at most, in seconds; None: open."""
    least = (outage.last_fail_ns - outage.first_fail_ns) / NS_PER_S
    if outage.last_good_ns is None or outage.next_good_ns is None:
        return least, None
    return least, (outage.next_good_ns - outage.last_good_ns) / NS_PER_S


def blackout_text(outage: Outage | None) -> float | str:
    """B for a table: 0 without an outage, else ``least - most`` or ``>= least`` seconds."""
    if outage is None:
        return 0.0
    least, most = bounds_s(outage)
    return f">= {least:.2f}" if most is None else f"{least:.2f} - {most:.2f}"


def disturbed_s(samples: Iterable[Sample], origin_ns: int | None = None) -> float:
    """P: seconds covered by 100 ms bins that hold a failure.

    Bins start at ``origin_ns``, by default at the first sample.
    """
    ordered = in_order(samples)
    if not ordered:
        return 0.0
    origin = ordered[0].sent_ns if origin_ns is None else origin_ns
    hit = {(s.sent_ns - origin) // BIN_NS for s in ordered if s.outcome == "fail"}
    return len(hit) * BIN_NS / NS_PER_S


def recovered_s(
    samples: Iterable[Sample], fault_ns: int, end_ns: int, steady_ns: int = STEADY_NS
) -> float | None:
    """R: seconds from the fault to the first success that 5 s without a failure follow.

    Those 5 s (``steady_ns``, both ends included) must lie before ``end_ns``;
    otherwise the recovery was not seen and the answer is None (censored).
    """
    known = decided(sample for sample in samples if sample.sent_ns >= fault_ns)
    for outcome, run in groupby(known, key=lambda sample: sample.outcome):
        if outcome == "fail":
            continue
        start = next(run).sent_ns
        failure = _first_failure(known, start)
        if start + steady_ns > end_ns:
            return None
        if failure is None or failure > start + steady_ns:
            return (start - fault_ns) / NS_PER_S
    return None


def _first_failure(known: list[Sample], since_ns: int) -> int | None:
    failures = (s.sent_ns for s in known if s.outcome == "fail" and s.sent_ns >= since_ns)
    return next(failures, None)


def _failed_since(samples: list[Sample], fault_ns: int, recovered: float | None) -> int:
    if recovered is None:
        return 0
    since = fault_ns + round(recovered * NS_PER_S)
    return sum(s.outcome == "fail" and s.sent_ns >= since for s in samples)


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
