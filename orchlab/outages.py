"""From samples to outage intervals. Pure: no clock, no file, no state.

====  =====================================================================
B     the longest full blackout, as bounds (``records.Outage``)
P     time in which anything failed, counted in bins of 100 ms
R     fault -> first of 5 s of uninterrupted success; None when censored
====  =====================================================================

A sample stands at its ``sent_ns``. An ``info`` sample (a write that may have
happened) is neither a success nor a failure and is left out of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from orchlab.records import Outage, Sample

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
BIN_NS = 100 * NS_PER_MS
STEADY_NS = 5 * NS_PER_S


def in_order(samples: Iterable[Sample]) -> list[Sample]:
    """Samples by the time they were sent; of those sent together, the first answered."""
    return sorted(samples, key=lambda sample: (sample.sent_ns, sample.done_ns))


def decided(samples: Iterable[Sample]) -> list[Sample]:
    """Samples that are known to have succeeded or failed, in time order."""
    return in_order(sample for sample in samples if sample.outcome != "info")


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
