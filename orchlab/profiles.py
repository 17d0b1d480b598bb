"""How much a comparison asks: from a look in minutes to numbers for a claim."""

from __future__ import annotations

from dataclasses import dataclass

from orchlab.experiments.registry import EXPERIMENTS


@dataclass(frozen=True, slots=True)
class Profile:
    """``both``: the experiments that are carried out in every variant in which they make sense.

    ``beside``: the platforms are measured at the same time, each in a lane of its own.
    """

    experiments: tuple[str, ...]
    both: tuple[str, ...]
    repetitions: int
    beside: bool = False


_QUICK = (
    "control",
    "balance",
    "isolation",
    "recreate",
    "ledger",
    "crash",
    "hang",
    "node-loss",
    "failing-image",
    "scale",
    "update",
)
"""The update comes last: lanes are not equally long, so it has fewer neighbours."""
_EVERY = tuple(EXPERIMENTS)
PROFILES = {
    "quick": Profile(_QUICK, ("update",), 1, beside=True),
    "standard": Profile(_EVERY, ("update",), 1),
    "full": Profile(_EVERY, _EVERY, 6),
}
"""Six repetitions are the fewest whose range covers the median with more than 95 % confidence."""
