"""The commands of the lab.

``invoke --list`` shows them all, ``invoke --help TASK`` one with an example. The
tasks themselves are in ``orchlab/tasks``, one module per platform.
"""

from __future__ import annotations

from invoke.collection import Collection
from invoke.tasks import Task

from orchlab.tasks import agent, backup, compose, k8s, k8s_nodes, lab, lessons, swarm, swarm_nodes

namespace = Collection(
    *(
        each
        for module in (lab, lessons, backup, compose, swarm, swarm_nodes, k8s, k8s_nodes, agent)
        for each in vars(module).values()
        if isinstance(each, Task)
    )
)
