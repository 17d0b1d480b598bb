"""The metrics, checked against a brute-force oracle that restates their definitions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchlab import metrics
from orchlab import outages as out
from orchlab.records import Outage, Sample

MS = 1_000_000


def sample(at_ms: int, outcome: str = "ok", series: str = "new", lag_ms: int = 0) -> Sample:
    sent = at_ms * MS
    return Sample(
        series=series,  # type: ignore[arg-type]
        entry="n1",
        intended_ns=sent - lag_ms * MS,
        sent_ns=sent,
        done_ns=sent + 2 * MS,
        outcome=outcome,  # type: ignore[arg-type]
    )


moments = st.lists(
    st.tuples(st.integers(0, 1500), st.sampled_from(["ok", "ok", "fail", "info"])),
    max_size=40,
    unique_by=lambda pair: pair[0],
)
histories = moments.map(lambda pairs: [sample(at * 10, outcome) for at, outcome in pairs])


def oracle_outages(samples: list[Sample]) -> list[Outage]:
    """Every pair of failures with no success between, not extensible on either side."""
    good = sorted(s.sent_ns for s in samples if s.outcome == "ok")
    bad = sorted(s.sent_ns for s in samples if s.outcome == "fail")

    def pure(a: int, b: int) -> bool:
        return not any(a < g < b for g in good)

    found = []
    for a in bad:
        for b in bad:
            inside = [x for x in bad if a <= x <= b]
            wider = any((x < a and pure(x, b)) or (x > b and pure(a, x)) for x in bad)
            if a <= b and pure(a, b) and not wider:
                before = max((g for g in good if g < a), default=None)
                after = min((g for g in good if g > b), default=None)
                found.append(Outage(a, b, before, after, len(inside)))
    return found


def oracle_recovery(samples: list[Sample], fault: int, end: int, steady: int) -> float | None:
    """The first success for which no failure exists within the steady time after it."""
    starts = [
        s.sent_ns
        for s in samples
        if s.outcome == "ok"
        and s.sent_ns >= fault
        and s.sent_ns + steady <= end
        and not any(
            f.outcome == "fail" and s.sent_ns <= f.sent_ns <= s.sent_ns + steady for f in samples
        )
    ]
    return (min(starts) - fault) / 1e9 if starts else None


@given(histories)
def test_outages_match_the_oracle(samples: list[Sample]) -> None:
    """Outages are exactly the maximal intervals without any success, in any input order."""
    assert out.outages(samples) == oracle_outages(samples)


@given(histories)
def test_longest_blackout(samples: list[Sample]) -> None:
    """No outage lasts longer than the blackout, and its bounds never cross."""
    longest = out.blackout(samples)
    everything = oracle_outages(samples)
    assert (longest is None) == (not everything)
    if longest is not None:
        least, most = out.bounds_s(longest)
        assert all(out.bounds_s(outage)[0] <= least for outage in everything)
        assert most is None or most > least


@given(histories, st.integers(0, 15_000), st.integers(0, 15_000))
def test_recovery_matches_the_oracle(samples: list[Sample], fault_ms: int, end_ms: int) -> None:
    """R is the first success after the fault that 5 s without failures follow, else censored."""
    got = out.recovered_s(samples, fault_ms * MS, end_ms * MS)
    assert got == oracle_recovery(samples, fault_ms * MS, end_ms * MS, out.STEADY_NS)


@given(histories)
def test_disturbed_time_matches_the_oracle(samples: list[Sample]) -> None:
    """P is a tenth of a second for every 100 ms bin that holds a failure."""
    start = min((s.sent_ns for s in samples), default=0)
    bins = sum(
        any(
            s.outcome == "fail"
            and start + k * out.BIN_NS <= s.sent_ns < start + (k + 1) * out.BIN_NS
            for s in samples
        )
        for k in range(151)
    )
    assert out.disturbed_s(samples) == pytest.approx(bins / 10)


@given(histories)
def test_info_is_never_counted(samples: list[Sample]) -> None:
    """Removing the info samples changes neither F nor B nor R."""
    known = [s for s in samples if s.outcome != "info"]
    assert metrics.tally(samples) == metrics.tally(known)
    assert out.blackout(samples) == out.blackout(known)
    assert out.recovered_s(samples, 0, 20_000 * MS) == out.recovered_s(known, 0, 20_000 * MS)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.1, 100))
def test_percentile_is_nearest_rank(values: list[float], percent: float) -> None:
    """A percentile is a value that occurred, with at least that share at or below it."""
    got = metrics.percentile(values, percent)
    assert got in values
    assert sum(v <= got for v in values) >= len(values) * percent / 100 - 1e-9


@given(st.integers(1, 100_000))
def test_zero_failures_bound_is_exact(total: int) -> None:
    """At the bound, seeing no failure at all has a probability of exactly 5 %."""
    bound = metrics.zero_failures_bound(total)
    assert math.isclose((1 - bound) ** total, 0.05, rel_tol=1e-6)
    assert bound <= 3 / total


def test_bound_of_3000_requests() -> None:
    """Zero failures in 3,000 requests bound the failure rate at 0.1 %."""
    assert metrics.zero_failures_bound(3000) == pytest.approx(0.001, rel=0.01)
    assert str(metrics.Tally(0, 3000)) == "0/3000 (< 0.1 %)"
    with pytest.raises(ValueError, match="no request"):
        metrics.zero_failures_bound(0)


def test_measure_a_known_outage() -> None:
    """A 400 ms blackout gives the F, B, P and R that a reader would count by hand."""
    times = range(0, 12_000, 20)
    series = ["new", "reused"]
    samples = [
        sample(at, "fail" if 1000 <= at < 1400 else "ok", series[i % 2])
        for i, at in enumerate(times)
    ]
    got = metrics.measure(samples, 990 * MS, 12_000 * MS)
    assert (got.new.failed, got.reused.failed) == (10, 10)
    assert got.blackout is not None
    assert out.bounds_s(got.blackout) == (0.38, 0.42)
    assert got.disturbed_s == pytest.approx(0.4)
    assert got.recovered_s == pytest.approx(0.41)
    assert got.failed_after_recovery == 0
    assert got.values()["latency_p99_ms"] == 2.0


def test_censored_recovery_is_text() -> None:
    """A recovery that was not seen is given as at least the window."""
    samples = [sample(at, "fail") for at in range(0, 8000, 20)]
    got = metrics.measure(samples, 0, 8000 * MS)
    assert got.recovered_s is None
    assert got.values()["recovered_s"] == ">= 8.0"
    assert got.values()["blackout_s"] == ">= 7.98"


def test_a_late_outage_is_not_hidden() -> None:
    """An outage later than 5 s after the fault is reported beside the early R."""
    samples = [sample(at, "fail" if 7000 <= at < 7200 else "ok") for at in range(0, 15_000, 20)]
    got = metrics.measure(samples, 0, 15_000 * MS)
    assert got.recovered_s == 0
    assert got.values()["failed_after_recovery"] == 10


def test_void_reasons() -> None:
    """A late sender, a failed control and a missing control each void the samples."""
    good = [sample(at, series="control") for at in range(0, 1000, 10)]
    assert metrics.void_reasons(good) == []
    assert "send lag 30.0 ms" in metrics.void_reasons([sample(0, series="control", lag_ms=30)])[0]
    assert metrics.void_reasons([*good, sample(5, "fail", "control")]) == [
        "1 of 101 control requests failed"
    ]
    assert metrics.void_reasons([sample(0)]) == ["the control server was not probed"]
