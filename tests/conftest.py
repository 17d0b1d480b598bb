"""Options and rules for all tests. The tests work in a lab of their own, beside the user's."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchlab import labels

labels.enter("test")

pytest_plugins = ["orchlab.pytest_plugin"]
"""Also where the lab is not installed; its own name keeps it from being loaded twice."""

LIVE = Path(__file__).parent / "live"
LEFT_OUT = pytest.StashKey[list[str]]()
OPTIONAL = {
    "uml": "Swarm's routing mesh was not tested in User-Mode Linux",
    "e2e": "Kubernetes' own tests were not run",
    "policy": "NetworkPolicies were not tested on a network that enforces them",
    "defaults": "what the platforms do by default was not asked",
}
"""Marker -> what is missing without the tests that have it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Short names for the plugin's options: here they can clash with nobody's."""
    from orchlab.profiles import PROFILES  # not before the lab has its name

    group = parser.getgroup("orchlab")
    for name, default in (("platforms", ""), ("images", "auto")):
        about = f"the same as --orchlab-{name}"
        group.addoption(f"--{name}", default=default, dest=f"orchlab_{name}", help=about)
    about = "the same as --orchlab-keep"
    group.addoption("--keep", action="store_true", dest="orchlab_keep", help=about)
    group.addoption(
        "--profile",
        choices=tuple(PROFILES),
        default="standard",
        help="quick: the questions of the same profile of `invoke compare`; standard: each "
        "question once; full: six times each, of the defaults as well, for hours",
    )
    group.addoption(
        "--no-uml",
        action="store_true",
        help="leave out the tests of Swarm's routing mesh in User-Mode Linux",
    )
    group.addoption(
        "--e2e",
        action="store_true",
        help="also run a part of Kubernetes' own tests (their build takes minutes at first)",
    )
    group.addoption(
        "--policy",
        action="store_true",
        help="also test NetworkPolicies where they are enforced, on a cluster of their own "
        "(its node image takes minutes at first)",
    )


def pytest_configure() -> None:
    """Let the tasks under test be interrupted.

    What a script starts in the background inherits an ignored Ctrl-C, and would pass it on.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the optional tests that are not wanted or cannot run; some wait for the rest."""
    from tests import questions  # not before the lab has its name

    items.sort(key=_turn)
    config.stash[LEFT_OUT] = []
    for marker, without in OPTIONAL.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        if reason := _against(config, marker):
            _leave_out(config, items, marked, f"{without}: {reason}")
    profile = config.getoption("profile")
    unasked = questions.left_out(profile, items)
    names = ", ".join(sorted({questions.asked(item) for item in unasked}))
    _leave_out(config, items, unasked, f"not asked: {names}: --profile {profile}")


def _leave_out(
    config: pytest.Config, items: list[pytest.Item], unwanted: list[pytest.Item], why: str
) -> None:
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = [item for item in items if item not in unwanted]
        config.stash[LEFT_OUT].append(why)


def _turn(item: pytest.Item) -> int:
    """What the engine is used for; what needs none; what a process did beside the latter."""
    if item.get_closest_marker("last"):
        return 2
    return int(LIVE not in item.path.parents or item.get_closest_marker("engineless") is not None)


def _against(config: pytest.Config, marker: str) -> str:
    from orchlab.uml import machine  # not before the lab has its name

    if marker == "defaults":
        return "" if config.getoption("profile") == "full" else "--profile full does that"
    if marker != "uml":
        return "" if config.getoption(f"--{marker}") else f"--{marker} does that"
    if config.getoption("--no-uml"):
        return "--no-uml"
    platforms = config.getoption("--platforms")
    if platforms and "swarm" not in platforms.split(","):
        return f"--platforms={platforms}"
    return machine.obstacle()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left out, and why."""
    for said in config.stash.get(LEFT_OUT, []):
        terminalreporter.write_line(f"warning: {said}", yellow=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skipped live test into a failure: a missing capability must be said, not hidden."""
    report = yield
    if report.skipped and LIVE in item.path.parents:
        report.outcome = "failed"
        report.longrepr = f"a live test may not be skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _plain_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests read plain text, whatever terminal they run in."""
    monkeypatch.setenv("NO_COLOR", "1")
    os.environ.pop("FORCE_COLOR", None)
