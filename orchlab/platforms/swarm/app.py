"""The app on a swarm, whoever owns the nodes: all that works through a manager."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from orchlab import console, labels
from orchlab.errors import OrchlabError
from orchlab.images.store import Image
from orchlab.names import pick
from orchlab.parallel import in_parallel
from orchlab.platforms.base import Facts, Release
from orchlab.platforms.swarm import encryption as swarm_encryption
from orchlab.platforms.swarm import facts as swarm_facts
from orchlab.platforms.swarm import leftovers as swarm_leftovers
from orchlab.platforms.swarm import logs as swarm_logs
from orchlab.platforms.swarm.files import VARIANT_FILES, Plan
from orchlab.platforms.swarm.nodes import Engine
from orchlab.platforms.swarm.operations import Operations
from orchlab.platforms.swarm.strangers import Strangers
from orchlab.platforms.swarm.watch import Watch

PULL_SECONDS = 300.0


class SwarmApp(Operations, Strangers, Watch):
    """The app as a stack named like the lab, on ``swarm_nodes``, pulled from ``registry``."""

    variants: tuple[str, ...] = tuple(VARIANT_FILES)
    encrypted = False
    """Whether a deployment asks for encrypted overlays; may be assigned before it."""

    def publish(self, image: Image) -> None:
        """Push to the registry and pull on every node that can be asked, so that no start waits.

        Raises ``OrchlabError`` unless all nodes have the same bits: Swarm itself never asks.
        """
        reference = self.registry.push(image)

        def pull(node: Engine) -> str:
            with closing(node.client(timeout=PULL_SECONDS)) as client:
                return str(client.images.pull(reference).id)

        names = ", ".join(each.name for each in self.swarm_nodes.all)
        with console.step(f"swarm: {reference} on {names}"):
            ids = in_parallel(pull, self.swarm_nodes.all)
        if len(set(ids)) != 1:
            raise OrchlabError(f"nodes have different images as {reference}: {ids}", "try again")

    def deploy(self, release: Release) -> None:
        """Deploy the stack; returns when every node serves and every replica was met.

        Raises ``UsageError`` for an unknown variant, more replicas than the data path
        finds, or networks that would have to change; ``OrchlabError`` with the tasks'
        own errors when they do not start, and ``WaitTimeout``.
        """
        pick("variant", release.variant, self.variants)
        self.require_places(release.replicas)
        if self.encrypted:
            swarm_encryption.require_unchanged(self.stack)
        plan = Plan(release.variant, self.data_path, self.encrypted, self.images.subject)
        variables = {
            "ORCHLAB_LAB": labels.LAB,
            "APP_IMAGE": self.registry.push(release.image),
            "REDIS_IMAGE": self.registry.push(self.images.ensure("redis")),
            "WEB_REPLICAS": str(release.replicas),
            "ENTRY_PORT": str(self.swarm_nodes.entry_port),
            **self.images.subject.variables(),
        }
        if self.data_path == "edge":
            variables["HAPROXY_IMAGE"] = self.registry.push(self.images.ensure("haproxy"))
        with console.step(f"swarm: deploy {release.image.reference} x {release.replicas}"):
            self.stack.deploy(plan, variables)
            swarm_leftovers.prune(self.stack)
        self.await_serving(release.replicas)

    def facts(self) -> Facts:
        """Engine versions, data path and the knobs that the service has."""
        return swarm_facts.facts(self.stack)

    def collect_logs(self, into: Path) -> None:
        """Logs of services and node daemons, and the history of tasks."""
        if self.swarm_nodes.up():
            swarm_logs.collect(self.stack, self.swarm_nodes, into)

    def undeploy(self) -> None:
        """Remove the stack with its networks and volumes; the nodes stay."""
        if self.swarm_nodes.up():
            swarm_leftovers.remove(self.stack, self.swarm_nodes.all)
