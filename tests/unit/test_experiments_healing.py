"""Judges of hung processes and of lost nodes."""

from __future__ import annotations

import pytest

from orchlab.records import Event, Sample
from tests.unit.histories import ask, event, probed


def hung(*more: Event) -> list[Event]:
    return [event(0, "window", "baseline"), event(5, "fault", "a"), *more]


NOT_REPLACED = event(19, "censored", "ready", seconds=60.0)


def test_a_hung_process_that_is_replaced_passes() -> None:
    """R and Cap are two numbers, and what it cost is said."""
    finding = ask("hang", probed(20, (5, 6)), hung(event(9.5, "ready")))
    assert (finding.verdict, finding.summary) == ("pass", "replaced by itself; 20 requests failed")
    assert finding.values["capacity_s"] == 4.5


def test_a_hung_process_that_clients_do_not_notice_is_a_limit() -> None:
    """Nobody replaces it: Cap is censored, in text, and nothing is averaged from it."""
    finding = ask("hang", probed(20), hung(NOT_REPLACED))
    assert (finding.verdict, finding.values["capacity_s"]) == ("limit", "> 60")
    assert finding.summary.startswith("nobody replaced it")


@pytest.mark.parametrize(("variant", "verdict"), [("hardened", "fail"), ("defaults", "limit")])
def test_clients_of_a_hung_process_that_do_not_recover(variant: str, verdict: str) -> None:
    """Only hardened promises that they do."""
    finding = ask("hang", probed(20, (5, 30)), hung(NOT_REPLACED), variant)
    assert (finding.verdict, finding.values["recovered_s"]) == (verdict, ">= 15.0")


def test_an_outage_that_comes_back_breaks_the_promise() -> None:
    """Replaced, and yet clients fail again later."""
    again = [*probed(15, (5, 6)), *shifted(probed(20, (2, 3)), 15)]
    assert ask("hang", again, hung(event(9, "ready"))).verdict == "fail"


def shifted(samples: list[Sample], seconds: int) -> list[Sample]:
    by = seconds * 1_000_000_000
    return [
        Sample(
            each.series,
            each.entry,
            each.intended_ns + by,
            each.sent_ns + by,
            each.done_ns + by,
            each.outcome,
        )
        for each in samples
    ]


def two_entries(lost: tuple[float, float], elsewhere: tuple[float, float]) -> list[Sample]:
    """Requests through the node that is taken away, and through another one."""
    return [*probed(30, lost, "gone"), *probed(30, elsewhere, "n2")]


def taken(*more: Event) -> list[Event]:
    return [event(5, "fault", "gone"), event(5.2, "fault-verified", "gone"), *more]


def test_a_lost_node_is_judged_by_the_clients_of_the_others() -> None:
    """What enters by the lost node fails until it is back, and counts for nobody."""
    finding = ask("node-loss", two_entries((5, 40), (5, 7)), taken(event(15, "ready")))
    assert finding.verdict == "pass"
    assert (finding.values["recovered_s"], finding.values["capacity_s"]) == (1.96, 10.0)
    assert finding.summary == "replaced elsewhere; 40 requests failed through other nodes"


def test_a_lost_node_that_nobody_replaces_fails() -> None:
    """Cap is censored at its window."""
    events = taken(event(28, "censored", "ready", seconds=120.0))
    finding = ask("node-loss", two_entries((5, 40), (5, 7)), events)
    assert (finding.verdict, finding.values["capacity_s"]) == ("fail", "> 120")


def test_clients_of_other_nodes_that_do_not_recover_fail() -> None:
    """As many replicas as before do not help when a client does not reach them."""
    finding = ask("node-loss", two_entries((5, 40), (5, 40)), taken(event(15, "ready")))
    assert finding.summary == "clients of other nodes did not recover"


def test_a_lost_control_plane_is_judged_before_its_return() -> None:
    """Recovered only with it is a limit; recovered without it is a pass."""
    events = taken(event(20, "start", "gone"), event(24, "ready"))
    finding = ask("control-loss", two_entries((5, 22), (5, 7)), events)
    assert (finding.verdict, finding.values["whole_after_start_s"]) == ("pass", 4.0)
    assert finding.values["recovered_s"] == 1.96
    finding = ask("control-loss", two_entries((5, 22), (5, 21)), events)
    assert (finding.verdict, finding.values["recovered_s"]) == ("limit", ">= 15.0")


def test_a_control_plane_that_does_not_come_back_fails() -> None:
    """Orders are not taken any more."""
    events = taken(event(20, "start", "gone"), event(29, "censored", "ready", seconds=120.0))
    assert ask("control-loss", two_entries((5, 40), (5, 7)), events).verdict == "fail"


def test_a_partition_has_two_sides() -> None:
    """The others' clients while it lasts, the cut-off node's, and everybody after the mending."""
    events = taken(event(12, "ready"), event(20, "mend", "gone"))
    finding = ask("partition", two_entries((5, 6), (5, 8)), events)
    assert finding.verdict == "pass"
    assert finding.values["failed_cut_off"].startswith("20/")
    assert finding.values["served_cut_off_by"] == 3
    assert finding.values["recovered_after_mend_s"] == 0.0


@pytest.mark.parametrize(
    ("cut_off", "elsewhere", "summary"),
    [
        ((5, 40), (5, 7), "clients did not recover when mended"),
        ((5, 6), (5, 20.5), "the other side did not recover apart"),
    ],
)
def test_a_partition_that_clients_do_not_get_over_fails(
    cut_off: tuple[float, float], elsewhere: tuple[float, float], summary: str
) -> None:
    """On the other side while it lasts, on both when it is over."""
    events = taken(event(12, "ready"), event(20, "mend", "gone"))
    finding = ask("partition", two_entries(cut_off, elsewhere), events)
    assert (finding.verdict, finding.summary) == ("fail", summary)
