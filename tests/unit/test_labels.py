from __future__ import annotations

import os

import pytest

from orchlab import labels


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests keep their lab."""
    monkeypatch.setattr(labels, "LAB", "mine")
    monkeypatch.setenv("ORCHLAB_LAB", "mine")


@pytest.mark.parametrize("purpose", ["compare", "bench", "lesson", "test"])
def test_what_destroys_works_beside_the_users_lab(purpose: str) -> None:
    """A comparison or a test run never works in the lab that somebody uses."""
    family = labels.family()
    labels.enter(purpose)
    assert f"mine-{purpose}" == labels.LAB == os.environ["ORCHLAB_LAB"]
    assert labels.LAB in family


def test_entering_twice_is_entering_once() -> None:
    """A child process that inherits the lab's name stays in it."""
    labels.enter("compare")
    labels.enter("compare")
    assert labels.LAB == "mine-compare"


def test_selector_and_flags_agree() -> None:
    """The same marks come as SDK labels, SDK filters and command-line flags."""
    marks = labels.labels("swarm")
    assert labels.selector("swarm")["label"] == [f"{k}={v}" for k, v in marks.items()]
    assert labels.flags("swarm") == [f"--label={k}={v}" for k, v in marks.items()]
