"""What a run will do: its cells, in the order in which they are carried out.

A block is one repetition of every question. Within it one platform comes after the other
(where ``lanes`` measure them at the same time, only to be brought up), in an order that is
drawn anew for each block, so that what drifts with time (heat, caches, a neighbour) favours
none. On a platform one variant comes after the other, and the first question in each is
whether the bench loses requests when nothing is wrong.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orchlab.experiments.base import Experiment
from orchlab.experiments.control import CONTROL
from orchlab.platforms.base import DEFAULTS, HARDENED
from orchlab.records import Cell


@dataclass(frozen=True)
class Request:
    """What is asked of which platforms.

    ``offered``: platform -> the variants that it knows. ``both``: the experiments that are
    carried out in each variant in which they make sense; the others in the recommended one.
    """

    offered: Mapping[str, Sequence[str]]
    experiments: Mapping[str, Experiment]
    both: Sequence[str] = ()
    repetitions: int = 1

    def plan(self, seed: int) -> dict[str, Any]:
        """JSON-ready: all that must be known to carry it out, and to read it later."""
        return {
            "platforms": list(self.offered),
            "experiments": list(self.experiments),
            "repetitions": self.repetitions,
            "seed": seed,
            "cells": [asdict(cell) for cell in self.cells(seed)],
            "questions": {name: each.question for name, each in self.experiments.items()},
            "rows": {name: each.row for name, each in self.experiments.items()},
        }

    def cells(self, seed: int) -> list[Cell]:
        """Every cell, in order; the same seed draws the same order."""
        dice = random.Random(seed)  # noqa: S311 - an order is no secret
        return [
            cell
            for repetition in range(1, self.repetitions + 1)
            for platform in dice.sample(list(self.offered), len(self.offered))
            for variant in self.offered[platform]
            for cell in self._group(platform, variant, repetition)
        ]

    def _group(self, platform: str, variant: str, repetition: int) -> Iterator[Cell]:
        names = [name for name in self.experiments if variant in self._variants(platform, name)]
        if names and CONTROL in self.experiments:
            names = [CONTROL, *(name for name in names if name != CONTROL)]
        return (Cell(platform, variant, name, repetition) for name in names)

    def _variants(self, platform: str, name: str) -> list[str]:
        offered = self.offered[platform]
        usual = recommended(offered)
        sensible = [each for each in offered if each in self.experiments[name].variants] or [usual]
        if name in self.both:
            return sensible
        return [usual] if usual in sensible else sensible[:1]


def recommended(variants: Sequence[str]) -> str:
    """The variant in which a platform is measured unless a row asks for another one."""
    return HARDENED if HARDENED in variants else DEFAULTS
