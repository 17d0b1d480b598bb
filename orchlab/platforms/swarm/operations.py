"""What somebody who runs the app on a swarm does to it, and asks of it."""

from __future__ import annotations

import json
from contextlib import suppress

from orchlab import console, credentials, shell
from orchlab.errors import UsageError
from orchlab.images.store import Image
from orchlab.platforms import serving
from orchlab.platforms.base import Rollout, Table
from orchlab.platforms.swarm import leftovers as swarm_leftovers
from orchlab.platforms.swarm import nodes_status as swarm_nodes_status
from orchlab.platforms.swarm import secrets as swarm_secrets
from orchlab.platforms.swarm import status as swarm_status
from orchlab.platforms.swarm.running import Running

MOST_ON_EDGE = 19
"""The edge has 20 places (``server-template`` in stacks/edge/haproxy.cfg), one of them
for the replica that an update starts first."""


class Operations(Running):
    """Scaling, updates, rotation, status and logs. Each change is a ``docker`` command."""

    def scale(self, replicas: int) -> None:
        """Run that many; returns when all of them serve.

        Raises ``UsageError`` for more than the edge finds, and ``WaitTimeout``.
        """
        self.require_places(replicas)
        self.stack.service("web")
        self.stack.run("service", "scale", "--detach", f"{self.stack.name}_web={replicas}")
        self.await_serving(replicas)

    def update(self, image: Image) -> Rollout:
        """Move to ``image``; what does not run, or fails its health check, is rolled back."""
        rollout = self.rollouts.update(self.registry.reference(image))
        self.await_serving(len(self.replicas()))
        return rollout

    def rollback(self) -> Rollout:
        """Go back to what ran before the last update; raises ``OrchlabError`` if nothing did."""
        rollout = self.rollouts.rollback()
        self.await_serving(len(self.replicas()))
        return rollout

    def rotate_key(self) -> Rollout:
        """Give the app a new API key while it serves; the old one ends with its last replica.

        Raises ``UsageError`` for a variant without a key. After a rollback the old key
        is the lab's again.
        """
        old = credentials.api_key_file().read_text(encoding="ascii")
        with console.step("swarm: a new API key"):
            flags = swarm_secrets.replace_key(self.stack, credentials.renew_api_key())
        rollout = self.rollouts.change(*flags)
        if rollout.outcome == "rolled-back":
            credentials.renew_api_key(old)
        swarm_leftovers.prune(self.stack)
        return rollout

    def status(self) -> list[Table]:
        """Nodes, entry points, services, and tasks with their history and errors."""
        nodes = swarm_nodes_status.tables(self.swarm_nodes, self.stack)
        return [*nodes, *swarm_status.tables(self.stack)]

    def describe(self) -> str:
        """What the manager shows of services, tasks, networks, secrets and configurations."""
        chosen = self.stack.chosen
        with self.stack.api() as client:
            tasks = client.api.tasks(filters=chosen)  # type: ignore[no-untyped-call]
            kinds = (client.services, client.networks, client.secrets, client.configs)
            found = [each.attrs for kind in kinds for each in kind.list(filters=chosen)]
        return json.dumps([tasks, found])

    def follow_logs(self, *, follow: bool, tail: int) -> None:
        """Print the last ``tail`` lines of each replica; with ``follow`` go on until Ctrl-C."""
        self.stack.service("web")
        flags = [f"--tail={tail}", *(["--follow"] if follow else [])]
        argv = ["docker", "service", "logs", *flags, f"{self.stack.name}_web"]
        with suppress(KeyboardInterrupt):
            shell.run(argv, env=self.stack.environment, on_line=console.line)

    def await_serving(self, replicas: int) -> None:
        """Return when every entry point answers and all replicas have; raises ``WaitTimeout``."""
        with console.step(f"swarm: {replicas} replicas serve"):
            app, way_out = self.images.subject, self._way_out()
            serving.wait(self.endpoints, self.replicas, replicas, way_out, app=app)

    def _way_out(self) -> str:
        """What to do when replicas run that nobody reaches."""
        again = f"`docker service update --force {self.stack.name}_web` starts them anew"
        edge = "; a mesh needs IPVS on every node, `invoke swarm-deploy --data-path edge` does not"
        return again + (edge if self.data_path == "mesh" else "")

    def require_places(self, replicas: int) -> None:
        """Raise ``UsageError`` for more replicas than the data path finds."""
        if self.data_path == "edge" and replicas > MOST_ON_EDGE:
            hint = "raise server-template in stacks/edge/haproxy.cfg, and MOST_ON_EDGE with it"
            raise UsageError(f"the edge finds at most {MOST_ON_EDGE} replicas", hint)
