"""What two runs answer differently."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from rich.console import Console

from orchlab import compare_runs, console, results
from orchlab.differences import Value, bounds, compare
from orchlab.errors import UsageError
from orchlab.records import Finding, Verdict

PLACE = ("swarm", "hardened", "crash")


def findings(*values: Value, verdict: Verdict = "pass") -> list[Finding]:
    """One repetition for each value of ``capacity_s``."""
    return [
        Finding("crash", "swarm", "hardened", verdict, "", {"capacity_s": value}, n)
        for n, value in enumerate(values, start=1)
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.4, (0.4, 0.4)),
        (3, (3, 3)),
        ("> 120", (120, math.inf)),
        (">= 8.0", (8, math.inf)),
        ("0.10 - 0.32", (0.1, 0.32)),
        ("33-34 %", (33, 34)),
        ("5/1000", (0.5, 0.5)),
        ("0/1250 (< 0.24 %)", (0, 0)),
        ("always", None),
        ("3 of 3", None),
        ("0/0", None),
    ],
)
def test_a_value_is_what_it_may_be(value: Value, expected: object) -> None:
    """Censored values are open above, bounds are two numbers, words are none."""
    assert bounds(value) == expected


def test_ranges_that_do_not_overlap_are_a_change() -> None:
    """With the range of each run, and how likely chance alone would do that."""
    (found,) = compare(findings(6.1, 6.9, 6.4), findings(2.2, 3.1, 2.5)).differences
    assert (found.place, found.what) == (PLACE, "capacity_s")
    assert (found.before, found.after) == ("6.1 - 6.9 (n = 3)", "2.2 - 3.1 (n = 3)")
    assert found.claim
    assert found.by_chance == pytest.approx(0.1)


def test_ranges_that_overlap_are_noise() -> None:
    """Whatever the means."""
    found = compare(findings(1, 1, 5), findings(5, 9, 9))
    assert found.differences == []
    assert (found.compared, found.expected) == (1, pytest.approx(0.1))


def test_one_sample_supports_no_claim() -> None:
    """The difference is shown, and that it may be nothing."""
    found = compare(findings(6.1), findings(2.2))
    assert [each.claim for each in found.differences] == [False]
    assert found.compared == 0


def test_a_censored_value_differs_from_what_was_reached_before() -> None:
    """It may be anything above its window, so it is beyond every number below that."""
    (found,) = compare(findings(6.1, 7), findings("> 120", "> 120")).differences
    assert found.after == ">= 120 (n = 2)"
    assert compare(findings("> 120", "> 120"), findings("> 60", 130)).differences == []


def test_a_verdict_that_changed_comes_first() -> None:
    """One repetition that ended otherwise is enough to be shown."""
    mixed = findings(6.1, 6.2) + findings(99, verdict="fail")
    first, *_ = compare(findings(6.1, 6.2, 6.3), mixed).differences
    assert (first.what, first.before, first.after) == ("verdict", "3 pass", "2 pass, 1 fail")


def test_what_proves_nothing_is_not_compared() -> None:
    """The numbers of a void repetition are not those of the platform."""
    found = compare(findings(1, 1), findings(9, 9, verdict="void"))
    assert [each.what for each in found.differences] == ["verdict"]


def test_the_stated_chance_is_that_of_equal_runs() -> None:
    """Of many pairs of runs out of one source, that share has ranges apart."""
    dice = random.Random(7)  # noqa: S311 - test data
    tried = 4000
    apart = 0
    for _ in range(tried):
        sides = [findings(*(dice.random() for _ in range(3))) for _ in range(2)]
        apart += bool(compare(*sides).differences)
    assert apart / tried == pytest.approx(0.1, abs=0.02)


@pytest.fixture
def judged(tmp_path: Path) -> list[str]:
    made = []
    for value in (6.1, 2.2):
        run = results.open_run(tmp_path, {})
        run.save_findings(findings(value))
        made.append(str(run.path))
    return made


def test_a_table_is_printed(judged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It says for each difference whether it supports a claim."""
    screen = Console(width=150, record=True, quiet=False)
    monkeypatch.setattr(console, "out", screen)
    compare_runs.show(*judged)
    text = screen.export_text()
    assert "one sample each: no claim" in text
    assert "6.1 (n = 1)" in text


def test_a_run_that_was_never_judged_is_refused(judged: list[str], tmp_path: Path) -> None:
    """With the command that judges it."""
    raw = results.open_run(tmp_path, {}).path
    with pytest.raises(UsageError, match="never judged"):
        compare_runs.show(judged[0], str(raw))
