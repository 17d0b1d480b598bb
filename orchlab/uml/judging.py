"""What the guest's history proves. Pure: no clock, no file, no engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from orchlab.experiments.base import finding
from orchlab.metrics import tally
from orchlab.records import Event, Finding, History, Sample

WAYS = ("ingress", "vip")
INGRESS_NAMESPACE = "ingress_sbox"
NS_PER_S = 1_000_000_000
BLIND_SECONDS = 5.0
"""A longer pause between requests could hide an outage."""


def names(history: History) -> Finding:
    """Inside, ``web`` is one address, its virtual one; ``tasks.web`` is every replica's."""
    answers = {event.subject: set(event.detail["addresses"]) for event in history.all("name")}
    virtual, tasks = answers["web"], answers["tasks.web"]
    known = set(_last(history, "virtual-ips").detail["addresses"])
    values: dict[str, float | str] = {"web": ", ".join(virtual), "tasks": len(tasks)}
    if len(virtual) != 1 or not virtual <= known:
        return finding(history, "fail", f"web is {virtual}, its virtual IPs are {known}", **values)
    if len(tasks) != len(_replicas(history)) or tasks & virtual:
        return finding(history, "fail", f"tasks.web is {tasks}", **values)
    return finding(history, "pass", "one virtual address before every replica", **values)


def kernel(history: History) -> Finding:
    """IPVS itself has a virtual server over all replicas, for the port and for the name."""
    tables = {event.subject: destinations(event.detail["table"]) for event in history.all("ipvs")}
    wanted = len(_replicas(history))
    port = wanted in tables.pop(INGRESS_NAMESPACE, [])
    name = any(wanted in counts for counts in tables.values())
    values = {"port": str(port), "name": str(name)}
    if port and name:
        return finding(history, "pass", "IPVS holds every replica on both ways in", **values)
    return finding(history, "fail", "IPVS lacks a virtual server over all replicas", **values)


def destinations(table: Iterable[str]) -> list[int]:
    """How many real servers each virtual server of a ``/proc/net/ip_vs`` table has."""
    counts: list[int] = []
    for line in list(table)[3:]:
        if line.lstrip().startswith("->"):
            counts[-1] += 1
        else:
            counts.append(0)
    return counts


def balance(history: History, phase: str, version: str) -> Finding:
    """On both ways in, the replicas take turns: their shares differ by one request at most.

    Every request is answered, and by that version of the app.
    """
    replicas = _replicas(history)
    faults: list[str] = []
    values: dict[str, float | str] = {}
    for way in WAYS:
        samples = during(history, phase, way)
        counts = Counter(dict.fromkeys(replicas, 0))
        counts.update(sample.replica for sample in samples if sample.outcome == "ok")
        values |= {way: str(sorted(counts.values())), f"{way}_requests": str(tally(samples))}
        if not samples or tally(samples).failed:
            faults.append(f"{way}: {tally(samples)} failed")
        if counts.keys() != replicas or max(counts.values()) - min(counts.values()) > 1:
            faults.append(f"{way}: {dict(counts)}")
        if {sample.version for sample in samples if sample.outcome == "ok"} != {version}:
            faults.append(f"{way}: not all answers are from version {version}")
    if faults:
        return finding(history, "fail", "; ".join(faults), **values)
    return finding(history, "pass", "the replicas take turns on both ways in", **values)


def update(history: History, old: str, new: str) -> Finding:
    """The update completed, from one version to the other, and no request failed.

    Void when the prober paused for so long that it could have missed an outage.
    """
    state = _last(history, "update-ended").detail["State"]
    faults = [] if state == "completed" else [f"the update is {state}"]
    values: dict[str, float | str] = {"state": state}
    pauses: list[float] = []
    for way in WAYS:
        samples = during(history, "update", way)
        served = [sample.version for sample in samples if sample.outcome == "ok"]
        pauses.append(longest_pause_s(samples))
        values |= {way: str(tally(samples)), f"{way}_longest_pause_s": round(pauses[-1], 2)}
        if not samples or tally(samples).failed:
            faults.append(f"{way}: {tally(samples)} failed")
        if set(served) != {old, new} or [served[0], served[-1]] != [old, new]:
            faults.append(f"{way}: not from version {old} to {new}: {Counter(served)}")
    if faults:
        return finding(history, "fail", "; ".join(faults), **values)
    if max(pauses) > BLIND_SECONDS:
        return finding(history, "void", f"no request for {max(pauses):.1f} s", **values)
    return finding(history, "pass", f"{old} to {new} without a failed request", **values)


def during(history: History, phase: str, way: str) -> list[Sample]:
    """The requests of a phase on one of the ways in, in the order of their start."""
    marks = [event for event in history.events if event.kind in ("phase", "end")]
    marks.sort(key=lambda event: event.at_ns)
    spans = {
        begin.subject: (begin.at_ns, end.at_ns)
        for begin, end in pairwise(marks)
        if begin.kind == "phase"
    }
    begin, end = spans[phase]
    found = (s for s in history.samples if s.entry == way and begin <= s.sent_ns < end)
    return sorted(found, key=lambda sample: sample.sent_ns)


def longest_pause_s(samples: list[Sample]) -> float:
    """The longest time from the start of one request to that of the next."""
    gaps = (later.sent_ns - earlier.sent_ns for earlier, later in pairwise(samples))
    return max(gaps, default=0) / NS_PER_S


def _replicas(history: History) -> set[str]:
    return set(_last(history, "replicas").detail["names"])


def _last(history: History, kind: str) -> Event:
    return history.all(kind)[-1]
