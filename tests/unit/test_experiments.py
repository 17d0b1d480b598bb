from __future__ import annotations

from dataclasses import replace

import pytest

from orchlab.experiments.registry import EXPERIMENTS
from orchlab.records import Event
from tests.unit.histories import MS, REPLICAS, ask, event, probed


def test_control_passes_with_its_bound() -> None:
    """No failure is reported with the rate that it still leaves credible."""
    finding = ask("control", probed(10), [event(0, "window", "baseline")])
    assert finding.verdict == "pass"
    assert finding.values["failed_new"] == "0/200 (< 1.5 %)"


def test_control_fails_on_one_lost_request() -> None:
    """Nothing may fail while nothing is wrong."""
    finding = ask("control", probed(10, (3, 3.01)), [event(0, "window", "baseline")])
    assert (finding.verdict, finding.summary) == ("fail", "1 of 400 requests failed")


def test_control_without_requests_never_passes() -> None:
    """A run that sent nothing proves nothing."""
    assert ask("control", [], [event(0, "window", "baseline")]).verdict != "pass"


def test_balance_wants_every_replica_from_every_entry() -> None:
    """An entry node that never reaches one replica breaks the promise."""
    events = [event(0, "replicas", names=REPLICAS), event(0, "window", "baseline")]
    assert ask("balance", probed(10), events).verdict == "pass"
    elsewhere = [replace(each, entry="n2", replica="a") for each in probed(2)]
    finding = ask("balance", probed(10) + elsewhere, events)
    assert (finding.verdict, finding.summary) == ("fail", "never reached: n2: b, c")


@pytest.mark.parametrize(
    ("read", "verdict"), [(20, "pass"), (19, "fail"), (0, "fail"), (21, "unknown")]
)
def test_recreate_compares_with_the_last_acknowledgement(read: int, verdict: str) -> None:
    """A counter below the last acknowledged value is lost data."""
    events = [
        event(0, "written", value=20),
        event(1, "fault"),
        event(2.5, "fault-verified"),
        event(3, "read", value=read),
    ]
    finding = ask("recreate", [], events)
    assert finding.verdict == verdict
    if verdict == "pass":
        assert finding.values["gap_s"] == 1.5


def crash(*more: Event) -> list[Event]:
    return [event(0, "window", "baseline"), event(5, "fault", "a"), *more]


def test_crash_tells_clients_from_capacity() -> None:
    """R and Cap are two numbers: served again, and whole again."""
    finding = ask("crash", probed(20, (5, 6)), crash(event(9, "ready")))
    assert finding.verdict == "pass"
    assert finding.values["capacity_s"] == 4.0
    assert finding.values["failed_new"] == "20/300"
    assert finding.summary == "healed by itself; 20 requests failed"


def test_crash_without_capacity_is_censored() -> None:
    """Capacity that never came back is a failure with a censored value."""
    finding = ask("crash", probed(20), crash(event(19, "censored", "ready", seconds=120.0)))
    assert (finding.verdict, finding.values["capacity_s"]) == ("fail", "> 120")


def test_crash_without_client_recovery_fails() -> None:
    """Requests that fail to the end of the window are no recovery."""
    finding = ask("crash", probed(20, (5, 30)), crash(event(9, "ready")))
    assert finding.summary == "clients did not recover"


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_a_broken_judge_is_unknown(name: str) -> None:
    """A history without the expected events is never a pass."""
    assert ask(name, probed(1), []).verdict == "unknown"


def test_a_late_prober_voids_the_run() -> None:
    """When the schedule was not kept, the numbers prove nothing."""
    late = [replace(each, sent_ns=each.sent_ns + 30 * MS) for each in probed(10)]
    finding = ask("control", late, [event(0, "window", "baseline")])
    assert finding.verdict == "void"
    assert "send lag" in finding.summary
