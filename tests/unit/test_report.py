"""The page and the terminal table of a synthetic but plausible run."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchlab import console, results
from orchlab.platforms.base import Facts
from orchlab.prober.rows import append
from orchlab.records import Cell, Event, Finding, Sample, Series
from orchlab.report import matrix, render, show
from orchlab.report.table import show_timings
from orchlab.report.timeline import LABEL_WIDTH, WIDTH, Timeline, timeline

MS = 1_000_000
S = 1000 * MS
ENTRIES = {"compose": ["host"], "swarm": ["m1", "w1", "w2"], "k8s": ["cp", "n1", "n2"]}
OUTAGE = {"compose": 0.9, "swarm": 0.7, "k8s": 0.3}
START = 1_000 * S
FAULT = START + 6 * S
PLAN = {
    "platforms": list(ENTRIES),
    "experiments": ["control", "balance", "crash"],
    "questions": {"crash": "How long until clients are served again?"},
}


def samples(platform: str, *, faulty: bool, seconds: int = 25) -> list[Sample]:
    """Two series of 50/s and a control, with one outage after the fault."""
    chance = random.Random(platform)  # noqa: S311 - test data
    made = []
    rates: dict[Series, int] = {"new": 50, "reused": 50, "control": 10}
    for series, rate in rates.items():
        entries = ["control"] if series == "control" else ENTRIES[platform]
        for i in range(seconds * rate):
            at = START + i * S // rate
            hit = faulty and FAULT <= at < FAULT + OUTAGE[platform] * S and series != "control"
            bad = hit and (platform == "compose" or chance.random() < 0.4)
            sent = at + chance.randrange(MS)
            done = sent + round(chance.lognormvariate(0.9, 0.4) * MS)
            made.append(
                Sample(
                    series,
                    entries[i % len(entries)],
                    at,
                    sent,
                    done,
                    "fail" if bad else "ok",
                    0 if bad else 200,
                    "ServerDisconnectedError" if bad else "",
                )
            )
    return made


def events(*, faulty: bool) -> list[Event]:
    made = [Event(START, "probe-start"), Event(START + 500 * MS, "window", "baseline")]
    if faulty:
        made += [
            Event(FAULT, "fault", "web-1"),
            Event(FAULT + 150 * MS, "fault-verified", "web-1"),
            Event(FAULT + 5 * S, "ready"),
            Event(FAULT + 5100 * MS, "window", "recovery"),
        ]
    return [*made, Event(START + S, "pressure", "cpu", {"avg10": 12.5, "total_us": 1})]


@pytest.fixture
def run(tmp_path: Path) -> results.Run:
    directory = results.open_run(tmp_path, PLAN)
    findings = []
    for name in ENTRIES:
        control = directory.history(Cell(name, "defaults", "control"))
        append(control, *samples(name, faulty=False, seconds=10), *events(faulty=False))
        crash = directory.history(Cell(name, "defaults", "crash"))
        append(crash, *samples(name, faulty=True), *events(faulty=True))
        directory.save_facts(
            name,
            "defaults",
            Facts({"engine": "29.1"}, f"client -> {name}", {f"{name} delay": "5 s (default)"}),
        )
        directory.save_timing(name, "create", 12.3)
        found: dict[str, Any] = {"failed_new": "9/1250", "recovered_s": OUTAGE[name]}
        findings.append(Finding("crash", name, "defaults", "pass", "healed by itself", found))
        text = "<b>none</b> of 1000 failed"
        findings.append(Finding("control", name, "defaults", "pass", text, {"lag_p99_ms": 1.25}))
    findings.append(Finding("balance", "swarm", "defaults", "unsupported", "no [mesh] here"))
    directory.save_findings(findings)
    directory.finish("complete")
    return results.load(directory.path)


def test_page_is_self_contained(run: results.Run) -> None:
    """The page loads nothing, runs nothing and stays far below 6 MB."""
    page = render(run).read_text()
    assert not re.search(r"https?://", page)
    assert not re.search(r"<(script|link|img|iframe|object)\b|@import|url\(|\bsrc=", page)
    assert "default-src 'none'" in page
    assert len(page) < 1_000_000


def test_page_shows_all_lanes_and_marks(run: results.Run) -> None:
    """Every series and entry of every probed experiment has a lane, the fault has a mark."""
    page = render(run).read_text()
    for entries in ENTRIES.values():
        for entry in entries:
            assert page.count(f'data-lane="new/{entry}"') == 2
            assert page.count(f'data-lane="reused/{entry}"') == 2
    assert page.count('data-lane="control/control"') == 6
    assert page.count('class="mark fault"') == 3
    assert "ServerDisconnectedError" in page


def test_page_shows_findings_knobs_and_method(run: results.Run) -> None:
    """Verdicts are text, numbers have units, knobs stand there, markup in data is inert."""
    page = render(run).read_text()
    for text in ("✓ pass", "- unsupported", "recovered 0.7 s", "swarm delay", "5 s (default)"):
        assert text in page
    assert "How long until clients are served again?" in page
    assert "&lt;b&gt;none&lt;/b&gt;" in page
    assert "Never the same thing as R" in page
    assert "did not complete" not in page


def test_unfinished_and_damaged_run_says_so(tmp_path: Path) -> None:
    """A killed run renders, and the page says what is missing."""
    directory = results.open_run(tmp_path, {})
    directory.history(Cell("compose", "hardened", "crash")).write_text('{"type"')
    page = render(results.load(directory.path)).read_text()
    assert "did not complete" in page
    assert "compose/hardened/crash-1.jsonl:1: unreadable line" in page
    assert "Nothing has been judged" in page


def test_terminal_table(run: results.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal shows verdicts, values and knobs; brackets in data are no markup."""
    screen = Console(width=150, record=True, file=Path("/dev/null").open("w"), highlight=False)  # noqa: SIM115
    monkeypatch.setattr(console, "out", screen)
    show(run)
    show_timings(run)
    text = screen.export_text()
    screen.file.close()
    for part in ("✓ pass", "no [mesh] here", "recovered 0.3 s", "k8s delay", "5 s (default)"):
        assert part in text
    assert "12.3 s" in text


def drawn(run: results.Run, experiment: str, platform: str) -> Timeline:
    found = next(h for h in run.histories if (h.experiment, h.platform) == (experiment, platform))
    made = timeline(found)
    assert made is not None
    return made


def test_timeline_draws_the_outage(run: results.Run) -> None:
    """The failed interval is drawn where it was, right after the fault's mark."""
    drawing = drawn(run, "crash", "compose")
    fault = next(mark for mark in drawing.marks if mark.kind == "fault")
    lane = drawing.lanes[0]
    failed = [bar for bar in lane.bars if bar.state == "fail"]
    assert len(failed) == 1
    assert failed[0].x == pytest.approx(fault.x, abs=5)
    assert fault.seconds == 0
    assert lane.outages.startswith("0.0")
    assert [each.label for each in drawing.lanes] == ["new · host", "reused · host", "control"]


def test_timeline_stays_inside(run: results.Run) -> None:
    """Bars, marks and ticks lie between the labels and the right edge."""
    drawing = drawn(run, "crash", "swarm")
    for lane in drawing.lanes:
        assert all(bar.x >= LABEL_WIDTH and bar.x + bar.width <= WIDTH + 1.5 for bar in lane.bars)
        assert all(bar.width > 0 for bar in lane.bars)
    places = [*(mark.x for mark in drawing.marks), *(x for x, _ in drawing.ticks)]
    assert all(LABEL_WIDTH <= x <= WIDTH for x in places)
    assert drawing.pressure == "12 %"


def test_timelines_follow_the_plan(run: results.Run) -> None:
    """Timelines of one experiment stand together, platforms in the order of the plan."""
    order = [(each.experiment, each.platform) for each in matrix.histories(run)]
    assert order == [(name, p) for name in ("control", "crash") for p in ENTRIES]


def test_values_carry_units() -> None:
    """The unit at the end of a value's name moves behind its number."""
    values: dict[str, float | int | str] = {"capacity_s": "> 120", "lag_p99_ms": 1.5, "failed": 3}
    finding = Finding("crash", "k8s", "defaults", "fail", "", values)
    assert matrix.value_lines(finding) == ["capacity > 120 s", "lag p99 1.5 ms", "failed 3"]
