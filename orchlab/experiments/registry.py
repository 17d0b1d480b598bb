"""The questions of the lab; only this registry knows them all."""

from __future__ import annotations

from collections.abc import Callable

from orchlab.experiments.base import Experiment
from orchlab.experiments.control import Control
from orchlab.experiments.healing import Crash
from orchlab.experiments.ledger import Ledger
from orchlab.experiments.networking import Balance
from orchlab.experiments.volumes import Recreate

EXPERIMENTS: dict[str, Callable[[], Experiment]] = {
    "control": Control,
    "balance": Balance,
    "recreate": Recreate,
    "ledger": Ledger,
    "crash": Crash,
}
