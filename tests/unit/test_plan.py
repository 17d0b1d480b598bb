"""The order of a run's cells."""

from __future__ import annotations

from itertools import groupby

import pytest

from orchlab.experiments.registry import EXPERIMENTS
from orchlab.plan import Request
from orchlab.records import Cell

BOTH = ("defaults", "hardened")
OFFERED = {"compose": BOTH, "swarm": BOTH, "k8s": BOTH}
ASKED = {name: EXPERIMENTS[name]() for name in ("crash", "control", "balance")}


class Update:
    """A double: an experiment that makes sense in both variants."""

    name = "update"
    row = "6/7"
    question = "?"
    variants = BOTH
    needs = ()


def cells(seed: int = 1, **request: object) -> list[Cell]:
    return Request(**({"offered": OFFERED, "experiments": ASKED} | request)).cells(seed)


def test_the_control_comes_first_in_each_variant() -> None:
    """Before anything else, a variant is asked whether it loses requests for no reason."""
    both = cells(experiments={**ASKED, "update": Update()}, both=("update",))
    for _, group in groupby(both, key=lambda cell: (cell.platform, cell.variant)):
        assert next(group).experiment == "control"
    asked = [(each.variant, each.experiment) for each in both if each.platform == "swarm"]
    assert asked == [
        ("defaults", "control"),
        ("defaults", "update"),
        ("hardened", "control"),
        ("hardened", "crash"),
        ("hardened", "balance"),
        ("hardened", "update"),
    ]


def test_the_recommended_variant_is_asked_unless_both_are_wanted() -> None:
    """An experiment that makes sense in both is asked in one, if that is what is wanted."""
    once = cells(experiments={"update": Update()})
    assert {cell.variant for cell in once} == {"hardened"}


def test_a_platform_without_the_recommended_variant_is_asked_in_what_it_has() -> None:
    """As somebody's own platform."""
    assert cells(offered={"theirs": ("defaults",)}, experiments={"crash": ASKED["crash"]}) == [
        Cell("theirs", "defaults", "crash")
    ]


def test_each_block_has_every_platform_in_an_order_of_its_own() -> None:
    """A platform is brought up once for each repetition; no order is favoured."""
    blocks = [
        [platform for platform, _ in groupby(block, key=lambda cell: cell.platform)]
        for _, block in groupby(cells(repetitions=20), key=lambda cell: cell.repetition)
    ]
    assert len(blocks) == 20
    assert all(sorted(block) == sorted(OFFERED) for block in blocks)
    assert len({tuple(block) for block in blocks}) > 1


@pytest.mark.parametrize("seed", [1, 2])
def test_the_seed_decides_the_order(seed: int) -> None:
    """A plan can be drawn again."""
    assert cells(seed, repetitions=4) == cells(seed, repetitions=4)
