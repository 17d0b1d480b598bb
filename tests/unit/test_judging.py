"""What becomes of the cells of a plan."""

from __future__ import annotations

from orchlab.experiments.judging import judge
from orchlab.records import Cell, Event, Finding, History

CELL = Cell("swarm", "hardened", "recreate", 3)
DONE = [
    Event(1, "written", "", {"value": 20}),
    Event(2, "fault"),
    Event(3, "fault-verified"),
    Event(4, "read", "", {"value": 20}),
    Event(5, "finished"),
]


def asked(events: list[Event]) -> Finding:
    history = History("recreate", "swarm", "hardened", [], events, 3)
    (found,) = judge([CELL], [history])
    return found


def test_a_finding_says_which_repetition_it_answers() -> None:
    """Each repetition has a finding of its own."""
    found = asked(DONE)
    assert (found.verdict, found.cell) == ("pass", CELL)


def test_a_cell_that_was_cut_off_is_unknown() -> None:
    """Even if what it left would do for a judgement."""
    found = asked(DONE[:-1])
    assert (found.verdict, found.summary) == ("unknown", "cut off before its end")


def test_a_cell_that_never_started_is_unknown() -> None:
    """It is not left out."""
    (found,) = judge([CELL], [])
    assert (found.verdict, found.cell) == ("unknown", CELL)


def test_the_history_of_another_repetition_is_no_answer() -> None:
    """Histories are told apart by platform, variant, experiment and repetition."""
    other = History("recreate", "swarm", "hardened", [], DONE, 2)
    (found,) = judge([CELL], [other])
    assert found.verdict == "unknown"


def test_what_broke_is_unknown() -> None:
    """With the reason that was recorded."""
    found = asked([Event(1, "broken", "KeyError: 'x'")])
    assert (found.verdict, found.summary) == ("unknown", "KeyError: 'x'")
