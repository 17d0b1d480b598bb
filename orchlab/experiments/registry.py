"""The questions of the lab; only this registry knows them all."""

from __future__ import annotations

from collections.abc import Callable

from orchlab.experiments.autoscale import AutoscaleUnderLoad
from orchlab.experiments.backup import Backup
from orchlab.experiments.base import Experiment
from orchlab.experiments.canary import Canary
from orchlab.experiments.control import Control
from orchlab.experiments.healing import Crash, Hang
from orchlab.experiments.ledger import Ledger
from orchlab.experiments.mounts import Mounts
from orchlab.experiments.network_cost import NetworkCost
from orchlab.experiments.network_modes import Networks
from orchlab.experiments.networking import Balance
from orchlab.experiments.node_data import NodeData
from orchlab.experiments.nodes import ControlLoss, NodeLoss, Partition
from orchlab.experiments.reach import Entries, Isolation, Names
from orchlab.experiments.rollout import FailingImage, MissingImage, Update
from orchlab.experiments.scaling import Drain, Scale
from orchlab.experiments.volumes import Recreate

EXPERIMENTS: dict[str, Callable[[], Experiment]] = {
    "control": Control,
    "balance": Balance,
    "names": Names,
    "entries": Entries,
    "isolation": Isolation,
    "network-cost": NetworkCost,
    "network-modes": Networks,
    "recreate": Recreate,
    "node-data": NodeData,
    "ledger": Ledger,
    "mounts": Mounts,
    "backup": Backup,
    "crash": Crash,
    "hang": Hang,
    "node-loss": NodeLoss,
    "control-loss": ControlLoss,
    "partition": Partition,
    "update": Update,
    "missing-image": MissingImage,
    "failing-image": FailingImage,
    "scale": Scale,
    "autoscale": AutoscaleUnderLoad,
    "drain": Drain,
    "canary": Canary,
}
