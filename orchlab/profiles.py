"""How much a comparison asks: from a look in minutes to numbers for a claim."""

from __future__ import annotations

from dataclasses import dataclass

from orchlab.experiments.registry import EXPERIMENTS


@dataclass(frozen=True, slots=True)
class Profile:
    """``both``: the experiments that are carried out in every variant in which they make sense."""

    experiments: tuple[str, ...]
    both: tuple[str, ...]
    repetitions: int


_QUICK = (
    "control",
    "balance",
    "isolation",
    "recreate",
    "ledger",
    "crash",
    "hang",
    "node-loss",
    "update",
    "failing-image",
    "scale",
)
_EVERY = tuple(EXPERIMENTS)
PROFILES = {
    "quick": Profile(_QUICK, ("update",), 1),
    "standard": Profile(_EVERY, ("update",), 1),
    "full": Profile(_EVERY, _EVERY, 6),
}
"""Six repetitions are the fewest whose range covers the median with more than 95 % confidence."""
