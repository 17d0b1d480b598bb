"""What becomes of the cells of a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchlab.conclusion import settle
from orchlab.errors import PromiseBroken, Unanswered
from orchlab.experiments.judging import judge
from orchlab.records import Cell, Event, Finding, History, Sample, Verdict

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


def probed(experiment: str, variant: str, repetition: int = 1, *, lost: int = 0) -> History:
    """A window of twenty requests of each series, the first of which may be lost."""
    at = range(10, 30)
    made = [Sample("control", "control", t, t, t + 1, "ok", 200) for t in at]
    made += [Sample("new", "n", t, t, t + 1, "fail" if t < 10 + lost else "ok") for t in at]
    made += [Sample("reused", "n", t, t, t + 1, "ok", 200) for t in at]
    names = {"names": [""]}
    events = [
        Event(1, "replicas", "", names),
        Event(2, "window", "baseline"),
        Event(40, "finished"),
    ]
    return History(experiment, "swarm", variant, made, events, repetition)


def test_a_failed_control_makes_its_block_void() -> None:
    """Only what was probed, on the same deployment: a lost write is lost whatever probing says."""
    left = [
        probed("control", "hardened", lost=1),
        probed("balance", "hardened"),
        probed("balance", "defaults"),
        probed("balance", "hardened", 2),
        History("recreate", "swarm", "hardened", [], DONE),
    ]
    verdicts = [each.verdict for each in judge([each.cell for each in left], left)]
    assert verdicts == ["fail", "void", "pass", "pass", "pass"]


def test_how_busy_the_machine_was_stands_beside_what_was_probed() -> None:
    """The slowest hundredth of the static server's answers, and the highest CPU pressure."""
    history = probed("balance", "hardened")
    history.events.extend(Event(n, "pressure", "cpu", {"avg10": n}) for n in (12, 97, 3))
    (found,) = judge([history.cell], [history])
    assert found.values["cpu_pressure_percent"] == 97
    assert found.values["control_p99_ms"] == 0


@pytest.mark.parametrize(
    ("verdicts", "error"),
    [
        (["pass", "fail", "unknown"], PromiseBroken),
        (["pass", "unknown"], Unanswered),
        (["limit", "void"], Unanswered),
    ],
)
def test_the_exit_code_tells_a_broken_promise_from_no_answer(
    verdicts: list[Verdict], error: type[Exception]
) -> None:
    """A promise that was broken outweighs what could not be answered."""
    with pytest.raises(error, match="swarm/hardened/crash"):
        settle([Finding("crash", "swarm", "hardened", each, "") for each in verdicts], Path())


def test_an_expected_limit_is_no_failure() -> None:
    """Nor is something that a platform cannot do."""
    verdicts: list[Verdict] = ["pass", "limit", "unsupported"]
    settle([Finding("crash", "swarm", "hardened", each, "") for each in verdicts], Path())
