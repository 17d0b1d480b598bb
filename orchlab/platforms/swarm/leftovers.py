"""What a stack leaves behind on a swarm: old configs and secrets, networks, volumes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from orchlab.parallel import in_parallel
from orchlab.platforms.swarm.nodes import Engine
from orchlab.platforms.swarm.stack import Stack
from orchlab.wait import wait_until

REMOVE_SECONDS = 90.0


def prune(stack: Stack) -> None:
    """Remove the stack's secrets and configs that no service has any more.

    A config that a rollback would need stays; a secret does not, since one that was
    replaced must not come back.
    """
    specs = [each["Spec"] for each in stack.services()]
    previous = [each["PreviousSpec"] for each in stack.services() if "PreviousSpec" in each]
    secrets = {name for spec in specs for name in names(spec, "Secret")}
    configs = {name for spec in specs + previous for name in names(spec, "Config")}
    with stack.api() as client:
        for secret in client.secrets.list(filters=stack.chosen):
            if secret.name not in secrets:
                secret.remove()
        for config in client.configs.list(filters=stack.chosen):
            if config.name not in configs:
                config.remove()


def names(spec: dict[str, Any], kind: str) -> list[str]:
    """The names of the objects of a kind (``Secret``, ``Config``) that a service has."""
    found = spec["TaskTemplate"]["ContainerSpec"].get(f"{kind}s") or ()
    return [str(each[f"{kind}Name"]) for each in found]


def remove(stack: Stack, nodes: Sequence[Engine]) -> None:
    """Remove the stack and its volumes; the command returns before that is done."""
    stack.run("stack", "rm", stack.name)
    wait_until(
        f"stack {stack.name} gone",
        lambda: not any(in_parallel(lambda node: _remains(stack, node), nodes)),
        timeout=REMOVE_SECONDS,
        state=lambda: str(in_parallel(lambda node: _remains(stack, node), nodes)),
    )
    in_parallel(lambda node: _remove_volumes(stack, node), nodes)


def _remains(stack: Stack, node: Engine) -> list[str]:
    """What is left of the stack on a node, the manager's services included."""
    with closing(node.client()) as client:
        tasks = client.containers.list(all=True, filters={**stack.chosen}, ignore_removed=True)
        left = [str(each.name) for each in tasks]
        left += [str(each.name) for each in client.networks.list(filters={**stack.chosen})]
        if node == stack.manager:
            left += [str(each.name) for each in client.services.list(filters=stack.chosen)]
    return left


def _remove_volumes(stack: Stack, node: Engine) -> None:
    with closing(node.client()) as client:
        for volume in client.volumes.list(filters={**stack.chosen}):
            volume.remove()
