"""The commands of the lab.

``invoke --list`` shows them all, ``invoke --help TASK`` one with an example. The
tasks themselves are in ``orchlab/tasks``, one module per platform.
"""

from __future__ import annotations

import atexit
import gc

from invoke.collection import Collection
from invoke.tasks import Task

from orchlab.tasks import agent, backup, compose, k8s, k8s_nodes, lab, lessons, swarm, swarm_nodes

# A task makes little but what stays until its end. To look through that for garbage while modules
# are loaded, and once more when all is over, takes 0.15 s of each task.
gc.set_threshold(50_000)
atexit.register(gc.freeze)

namespace = Collection(
    *(
        each
        for module in (lab, lessons, backup, compose, swarm, swarm_nodes, k8s, k8s_nodes, agent)
        for each in vars(module).values()
        if isinstance(each, Task)
    )
)
