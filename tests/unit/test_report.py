"""The page and the terminal table of the sample run."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from orchlab import console, results
from orchlab.records import Cell
from orchlab.report import render, show
from orchlab.report.page import page as page_of
from orchlab.report.table import show_timings
from tests import sample_run

LARGEST = 6_000_000
VOID = {"br", "meta", "path", "rect"}


class Ids(HTMLParser):
    """Collects ids and in-page links, and checks that elements nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [str(given["id"])] if "id" in given else []
        self.links |= {str(given["href"])} if "href" in given else set()
        if tag not in VOID or self.open[-1:] == ["svg"]:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] in VOID and self.open[-1] != tag:
            self.open.pop()
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(sample: Path) -> str:
    return render(results.load(sample)).read_text(encoding="utf-8")


def test_the_page_names_the_app_that_was_measured(sample: Path, page: str) -> None:
    """Somebody's with what it is; of the lab's own nothing need be said."""
    run = results.load(sample)
    described = {"name": "sh<op", "image": "shop:1", "port": 80, "health": "/up"}
    theirs = page_of(replace(run, plan=run.plan | {"app": described}))
    assert "<strong>sh&lt;op</strong> (shop:1, port 80, health path /up)" in theirs
    assert "One app on three orchestrators" in page
    assert (run.app, replace(run, plan={"app": described}).app) == ("the lab's own", "sh<op")


def test_page_is_self_contained(page: str) -> None:
    """The page loads nothing, and its only script is the one that its policy names."""
    assert not re.search(r"https?://", page)
    assert not re.search(r"<(link|img|iframe|object)\b|@import|url\(|\bsrc=", page)
    assert page.count("<script") == 1
    assert re.search(r"default-src 'none'; [^\"]*script-src 'sha256-[\w+/]+='", page)


def test_page_of_a_full_run_is_small_and_soon_made(tmp_path: Path) -> None:
    """Six repetitions with thousands of requests each make a page of less than 6 MB."""
    run = results.load(sample_run.write_large(tmp_path))
    assert len(run.findings) == 6 * 2 * 3 * len(sample_run.EXPERIMENTS)
    assert 1_000_000 < render(run).stat().st_size < LARGEST


def test_links_lead_somewhere_and_ids_are_unique(page: str) -> None:
    """Every link points to an id of the page, and no id stands there twice."""
    found = Ids(page)
    assert len(found.ids) == len(set(found.ids))
    assert found.links <= {f"#{each}" for each in found.ids}


def test_every_lane_of_every_repetition_is_drawn(page: str) -> None:
    """A lane for each series and entry node, in each probed experiment, variant, repetition."""
    times = len(sample_run.PROBED) * len(sample_run.VARIANTS) * 2
    for entries in sample_run.ENTRIES.values():
        for entry in entries:
            assert page.count(f'data-lane="new/{entry}"') == times
            assert page.count(f'data-lane="reused/{entry}"') == times
    assert page.count('data-lane="control/control"') == 3 * times
    assert "ServerDisconnectedError" in page


def test_page_says_verdicts_bounds_repetitions_and_reasons(page: str) -> None:
    """A verdict is a word, zero has a bound, reasons name the timer in force."""
    assert "known limit" in page
    assert re.search(r"0 of \d+ requests lost, 95\s% bound [\d.]+\s%", page)
    assert "n = 1: 1 pass, 1 void" in page
    assert "Swarm waits its restart delay of 1 s before a new task starts" in page
    assert "&lt;b&gt;Redis&lt;/b&gt; answered a stranger" in page
    assert "did not complete" not in page


def test_page_shows_configuration_and_published_numbers(page: str) -> None:
    """Lines of the real files stand beside what is left alone, others' numbers beside ours."""
    assert "stop_grace_period: 15s" in page
    assert "maxUnavailable: 0" in page
    assert "restart delay: <strong>" in page
    assert "kind 33.0 s" in page
    assert "Kubernetes 12.3 s" in page


def test_unfinished_and_damaged_run_says_so(tmp_path: Path) -> None:
    """A killed run renders, and the page says what is missing."""
    directory = results.open_run(tmp_path, {})
    directory.history(Cell("compose", "defaults", "crash")).write_text('{"type"')
    for _ in range(2):  # the second time from the digest
        page = render(results.load(directory.path)).read_text(encoding="utf-8")
        assert "did not complete" in page
        assert "compose/defaults/crash-1.jsonl:1: unreadable line" in page
        assert "Nothing has been judged" in page
        assert "No samples were taken" in page


def test_terminal_table(run: results.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal shows verdicts, values and knobs; brackets in data are no markup."""
    screen = Console(width=150, record=True, file=Path("/dev/null").open("w"), highlight=False)  # noqa: SIM115
    monkeypatch.setattr(console, "out", screen)
    show(run)
    show_timings(run)
    text = screen.export_text()
    screen.file.close()
    for part in ("✓ pass n = 2", "no [canary] event", "clients back", "5 s (default)", "12.3 s"):
        assert part in text
