"""The page in a real browser: what a reader sees, reaches and hears. It needs no platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from orchlab import results
from orchlab.report import matrix, render, strips
from tests import sample_run
from tests.live.browser import browser

pytestmark = pytest.mark.engineless

CHECKS = Path(__file__).with_name("page_checks.js").read_text(encoding="utf-8")
REPETITIONS = 2
WIDTHS = (360, 800, 1440)
PAPER = 720
READABLE = 4.5
"""The contrast of text that WCAG 2.2 asks for at level AA."""
NAMED = {"button", "link", "image", "region", "table", "heading", "DisclosureTriangle"}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> results.Run:
    root = tmp_path_factory.mktemp("page")
    return results.load(sample_run.write(root, repetitions=REPETITIONS, rate=10, seconds=15))


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(sample: results.Run) -> str:
    return render(sample).as_uri()


@pytest.fixture
def page(chrome: Chrome, address: str) -> Iterator[Chrome]:
    """The page, opened anew; at the end nothing may stand in the console."""
    look(chrome)
    chrome.get(address)
    yield chrome
    assert chrome.get_log("browser") == []


def look(chrome: Chrome, width: int = 1440, scheme: str = "light", media: str = "screen") -> None:
    """Give the page a screen, or paper."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def ask(chrome: Chrome, question: str) -> Any:  # noqa: ANN401 - whatever the script returns
    return chrome.execute_script(f"{CHECKS}; return {question}")


def spoken(chrome: Chrome) -> list[tuple[str, str]]:
    """Role and name of all that a screen reader meets."""
    nodes = chrome.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    ]


def test_every_chart_is_drawn(page: Chrome, sample: results.Run) -> None:
    """As many drawings as were measured, none of them empty."""
    cells = len(sample_run.PROBED) * len(sample_run.ENTRIES) * len(sample_run.VARIANTS)
    points = strips.strips(matrix.matrix(sample), matrix.platforms(sample))
    ask(page, "openAll()")
    assert len(page.find_elements(By.CSS_SELECTOR, ".timeline .drawing")) == cells * REPETITIONS
    assert len(page.find_elements(By.CSS_SELECTOR, ".strip .drawing")) == sum(
        len(points[name]) for name in sample_run.PROBED
    )
    assert len(page.find_elements(By.CSS_SELECTOR, ".latency .drawing")) == 2
    assert ask(page, "blank()") == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_overlaps_or_overflows(page: Chrome, width: int) -> None:
    """With everything opened no text lies on other text, is cut, or makes the page scroll."""
    look(page, width)
    ask(page, "openAll()")
    assert ask(page, "overflow()") == []
    assert ask(page, "overlaps()") == []
    assert ask(page, "cut()") == []


def test_paper_shows_what_the_screen_hides(page: Chrome) -> None:
    """In print every experiment is there, nothing overlaps, and no control is left."""
    look(page, PAPER, media="print")
    assert ask(page, "overlaps()") == []
    assert ask(page, "overflow()") == []
    assert ask(page, "shown('.experiment h4')") == len(sample_run.PROBED) * len(sample_run.VARIANTS)
    assert ask(page, "shown('button')") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_told_from_its_ground(page: Chrome, scheme: str) -> None:
    """Text, links, quiet text and the signs of verdicts have enough contrast in both schemes."""
    look(page, scheme=scheme)
    for selector in (
        "p",
        "a",
        ".quiet",
        ".badge.pass",
        ".badge.limit",
        ".badge.fail",
        "figcaption",
    ):
        assert ask(page, f"contrast('{selector}')") >= READABLE, selector


def test_links_lead_to_what_they_name(page: Chrome) -> None:
    """Each link shows its target, also where that was folded away."""
    assert ask(page, "deadLinks()") == []


def test_keyboard_reaches_and_works_the_controls(page: Chrome) -> None:
    """Tab meets the skip link first, then the sections; focus is seen; Enter unfolds."""
    ActionChains(page).send_keys(Keys.TAB).perform()
    focused = page.switch_to.active_element
    assert focused.text == "Skip to the verdicts"
    assert focused.value_of_css_property("outline-style") == "solid"
    ActionChains(page).send_keys(Keys.TAB).perform()
    assert page.switch_to.active_element.text == "Verdicts"
    summary = page.find_element(By.CSS_SELECTOR, "#x-crash > summary")
    before = page.find_element(By.ID, "x-crash").get_attribute("open")
    summary.send_keys(Keys.ENTER)
    assert page.find_element(By.ID, "x-crash").get_attribute("open") != before


def test_timeline_zooms_by_key_button_wheel_and_drag(page: Chrome) -> None:
    """Each way changes the stretch of time that is shown, and 0 shows all again."""
    plot = page.find_element(By.CSS_SELECTOR, ".plot")

    def stretch() -> tuple[float, float]:
        box = plot.find_element(By.CSS_SELECTOR, ".view").get_dom_attribute("viewBox")
        start, _, length, _ = str(box).split()
        return float(start), float(length)

    start, length = stretch()
    plot.send_keys("+")
    assert stretch()[1] == pytest.approx(length / 2)
    before = stretch()[0]
    plot.send_keys(Keys.ARROW_LEFT)
    assert stretch()[0] < before
    ActionChains(page).drag_and_drop_by_offset(plot, -100, 0).perform()
    assert stretch()[0] > before - length / 10
    ActionChains(page).scroll_by_amount(0, 0).move_to_element(plot).perform()
    wheel = {"type": "mouseWheel", "deltaX": 0, "deltaY": -100}
    middle = plot.rect["x"] + plot.rect["width"] / 2 - page.execute_script("return scrollX")
    top = plot.rect["y"] + 50 - page.execute_script("return scrollY")
    page.execute_cdp_cmd("Input.dispatchMouseEvent", {**wheel, "x": middle, "y": top})
    assert stretch()[1] < length / 2
    page.find_element(By.CSS_SELECTOR, ".tools button:last-child").click()
    assert stretch() == (start, length)
    assert ask(page, "overlaps()") == []


def test_screen_reader_hears_names_and_landmarks(page: Chrome) -> None:
    """Everything that can be reached or seen has a name; headings skip no level."""
    ask(page, "openAll()")
    heard = spoken(page)
    assert [role for role, name in heard if role in NAMED and not name] == []
    assert {"banner", "navigation", "main", "contentinfo", "columnheader", "rowheader"} <= {
        role for role, _ in heard
    }
    assert ask(page, "headings()") == []


def test_page_can_be_read_without_its_script(chrome: Chrome, address: str) -> None:
    """Without script there are no buttons, and all of the text and the drawings."""
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chrome.get(address)
        heard = spoken(chrome)
    finally:
        chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    roles = [role for role, _ in heard]
    assert "button" not in roles
    assert roles.count("image") >= len(sample_run.ENTRIES)
