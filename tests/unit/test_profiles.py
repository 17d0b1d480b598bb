"""What the profiles ask."""

from __future__ import annotations

import pytest

from orchlab.experiments.registry import EXPERIMENTS
from orchlab.plan import Request
from orchlab.profiles import PROFILES

OFFERED = dict.fromkeys(("compose", "swarm", "k8s"), ("defaults", "hardened"))


def request(profile: str) -> Request:
    """What a profile asks of three platforms."""
    wanted = PROFILES[profile]
    asked = {name: EXPERIMENTS[name]() for name in wanted.experiments}
    return Request(OFFERED, asked, wanted.both, wanted.repetitions)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_asks_what_exists(profile: str) -> None:
    """Each name is that of an experiment, and the control is always among them."""
    wanted = PROFILES[profile]
    assert set(wanted.experiments) | set(wanted.both) <= set(EXPERIMENTS)
    assert "control" in wanted.experiments


def test_the_quick_profile_asks_the_core_of_the_table_once() -> None:
    """These rows at least, the update of each variant among them."""
    rows = {EXPERIMENTS[name]().row for name in PROFILES["quick"].experiments}
    assert {"0", "N2", "N4", "V1", "V3", "1", "2", "3", "6/7", "9", "10"} <= rows
    cells = request("quick").cells(seed=1)
    updates = [cell.variant for cell in cells if cell.experiment == "update"]
    assert sorted(updates) == ["defaults"] * 3 + ["hardened"] * 3
    assert {cell.variant for cell in cells if cell.experiment == "crash"} == {"hardened"}


@pytest.mark.parametrize("profile", ["standard", "full"])
def test_every_question_is_asked(profile: str) -> None:
    """No experiment is left out of the longer profiles."""
    assert {cell.experiment for cell in request(profile).cells(seed=1)} == set(EXPERIMENTS)


def test_the_full_profile_asks_six_times_in_every_variant_that_makes_sense() -> None:
    """So that each answer has a range."""
    cells = request("full").cells(seed=1)
    for name, make in EXPERIMENTS.items():
        asked = {cell.variant for cell in cells if cell.experiment == name}
        assert asked >= set(make().variants), name
    assert {cell.repetition for cell in cells} == {1, 2, 3, 4, 5, 6}


def test_rows_are_told_apart() -> None:
    """Each experiment has its own row of the table."""
    rows = [make().row for make in EXPERIMENTS.values()]
    assert len(rows) == len(set(rows))
