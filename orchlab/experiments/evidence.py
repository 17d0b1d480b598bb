"""What judges read out of a history. Pure."""

from __future__ import annotations

from dataclasses import replace

from orchlab.experiments.base import start_of
from orchlab.metrics import Metrics, Tally, between, tally
from orchlab.outages import NS_PER_S
from orchlab.platforms.base import HARDENED
from orchlab.records import Event, History, Verdict


def seconds_between(history: History, start: str, end: str) -> float | str:
    """Seconds from the first event of one kind to the first of another; ``> window`` if censored.

    Raises ``LookupError`` when neither the end nor its censoring was recorded.
    """
    for each in history.all("censored"):
        if each.subject == end:
            return f"> {each.detail['seconds']:g}"
    return elapsed_s(history, history.first(start), history.first(end))


def elapsed_s(history: History, start: Event | None, end: Event | None) -> float:
    """Seconds between two events; raises ``LookupError`` when one was not recorded."""
    if start is None or end is None:
        raise LookupError(f"the history of {history.experiment} is not complete")
    return round((end.at_ns - start.at_ns) / NS_PER_S, 2)


def asked_between(history: History, start: str, end: str = "") -> Tally:
    """Failed and total requests sent between the first events of two kinds, or to the end."""
    until = start_of(history, end) if end else last_sent(history) + 1
    found = between(history.samples, start_of(history, start), until)
    return tally(sample for sample in found if sample.series != "control")


def last_sent(history: History) -> int:
    """When the last request was sent; 0 without any."""
    return max((sample.sent_ns for sample in history.samples), default=0)


def lost(metrics: Metrics) -> int:
    """Failed requests on new and on reused connections."""
    return metrics.new.failed + metrics.reused.failed


def asked(metrics: Metrics) -> int:
    """All requests on new and on reused connections."""
    return metrics.new.total + metrics.reused.total


def entries(history: History) -> set[str]:
    """The entry nodes that were probed."""
    return {sample.entry for sample in history.samples if sample.series != "control"}


def entering(history: History, nodes: set[str]) -> History:
    """The same, of the requests only those through these entry nodes."""
    chosen = [s for s in history.samples if s.entry in nodes or s.series == "control"]
    return replace(history, samples=chosen)


def broken_promise(history: History) -> Verdict:
    """What it is to lose something: only ``hardened`` promises that nothing is lost."""
    return "fail" if history.variant == HARDENED else "limit"


def until(history: History, kind: str) -> History:
    """The same, of the requests only those sent before the first event of that kind."""
    end = start_of(history, kind)
    return replace(history, samples=[s for s in history.samples if s.sent_ns < end])
