"""Networking: N2, how requests spread over the replicas."""

from __future__ import annotations

from collections import Counter

from orchlab.apps import Feature
from orchlab.experiments.base import RECOMMENDED, Bench, Needs, finding, start_of
from orchlab.records import Finding, History, Sample, Series

SECONDS = 8.0


class Balance:
    """N2: new connections through every entry node, counted by the replica that answers."""

    name = "balance"
    row = "N2"
    question = "Do new connections reach every replica, and how evenly? Reused ones?"
    variants = RECOMMENDED
    needs: Needs = (Feature.IDENTITY,)

    def run(self, bench: Bench) -> None:
        """Record who should answer, then probe."""
        replicas = sorted(replica.name for replica in bench.ready())
        bench.mark("replicas", names=replicas)
        with bench.probing():
            bench.window("baseline", SECONDS)

    def judge(self, history: History) -> Finding:
        """Pass when, through every entry, new connections reach every replica."""
        expected = set(history.all("replicas")[-1].detail["names"])
        since = start_of(history, "window")
        answered = [s for s in history.samples if s.outcome == "ok" and s.sent_ns >= since]
        missed = [
            f"{entry}: {', '.join(sorted(expected - seen))}"
            for entry, seen in _seen_by_entry(answered, "new").items()
            if expected - seen
        ]
        new = Counter(s.replica for s in answered if s.series == "new")
        reused = Counter(s.replica for s in answered if s.series == "reused")
        values = {
            "replicas_new": f"{len(new.keys() & expected)} of {len(expected)}",
            "replicas_reused": f"{len(reused.keys() & expected)} of {len(expected)}",
            "share_new": shares(new),
            "share_reused": shares(reused),
        }
        if missed or not new:
            reason = f"never reached: {'; '.join(missed)}" if new else "nobody answered"
            return finding(history, "fail", reason, **values)
        return finding(history, "pass", "every entry reaches every replica", **values)


def shares(counts: Counter[str]) -> str:
    """Smallest and largest share of the answers, such as ``33-34 %``."""
    total = counts.total()
    if not total:
        return "none"
    return f"{100 * min(counts.values()) / total:.0f}-{100 * max(counts.values()) / total:.0f} %"


def _seen_by_entry(answered: list[Sample], series: Series) -> dict[str, set[str]]:
    seen: dict[str, set[str]] = {}
    for sample in answered:
        if sample.series == series:
            seen.setdefault(sample.entry, set()).add(sample.replica)
    return seen
