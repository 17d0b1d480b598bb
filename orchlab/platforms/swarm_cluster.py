"""The swarm that the nodes form: begin, join, label, and find it healthy again."""

from __future__ import annotations

from contextlib import closing

from docker.errors import APIError, DockerException

from orchlab.errors import OrchlabError
from orchlab.parallel import in_parallel
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm_fleet import Fleet
from orchlab.wait import wait_until

READY_SECONDS = 30.0
PEER_PORT = 2377
STORE_LABEL = "orchlab.store"
"""The node label that says where Redis and its volume live."""


def form(fleet: Fleet) -> None:
    """Make one swarm of fresh nodes; returns when all are ready."""
    first, *others = fleet.all
    with closing(first.client()) as client:
        own = first.address
        client.swarm.init(advertise_addr=own, listen_addr=f"{own}:{PEER_PORT}")
        client.swarm.reload()
        tokens: dict[str, str] = client.swarm.attrs["JoinTokens"]
    # Managers one after another: each changes the quorum.
    for manager in (node for node in others if node.role == "manager"):
        _join(fleet, manager, tokens["Manager"])
    workers = [node for node in others if node.role == "worker"]
    in_parallel(lambda node: _join(fleet, node, tokens["Worker"]), workers)
    await_ready(fleet)
    _label_store(first)


def usable(fleet: Fleet) -> bool:
    """Whether what an earlier run left can be used, after starting what was stopped.

    The daemons of nodes that died with their engine need a moment to meet again.
    """
    if set(fleet.existing()) != {node.name for node in fleet.all}:
        return False
    try:
        fleet.start()
        if "inactive" in in_parallel(_state, fleet.all):
            return False
        await_ready(fleet)
        _label_store(fleet.manager)
    except (OrchlabError, DockerException):
        return False
    return True


def await_ready(fleet: Fleet) -> None:
    """Return when the manager sees every node ready; raises ``WaitTimeout``."""
    wanted = dict.fromkeys((node.name for node in fleet.all), "ready")
    seen: dict[str, str] = {}

    def check() -> bool:
        seen.clear()
        seen.update(_seen(fleet.manager))
        return seen == wanted

    wait_until(
        f"{len(wanted)} swarm nodes ready",
        check,
        timeout=READY_SECONDS,
        pause=0.1,
        state=lambda: str(seen),
        hint="`invoke swarm-down` removes the nodes; then try again",
    )


def _join(fleet: Fleet, node: Node, token: str) -> None:
    own = node.address
    with closing(node.client()) as client:
        client.swarm.join(
            remote_addrs=[f"{fleet.manager.address}:{PEER_PORT}"],
            join_token=token,
            advertise_addr=own,
            listen_addr=f"{own}:{PEER_PORT}",
        )


def _state(node: Node) -> str:
    with closing(node.client()) as client:
        return str(client.info()["Swarm"]["LocalNodeState"])


def _seen(manager: Node) -> dict[str, str]:
    """Node states by host name; empty while the manager has no quorum."""
    with closing(manager.client()) as client:
        try:
            nodes = [node.attrs for node in client.nodes.list()]
        except APIError as error:
            if error.is_server_error():
                return {}
            raise
    return {node["Description"]["Hostname"]: node["Status"]["State"] for node in nodes}


def _label_store(node: Node) -> None:
    with closing(node.client()) as client:
        own = client.info()["Swarm"]["NodeID"]

        def label() -> bool:
            found = client.nodes.get(own)
            spec = found.attrs["Spec"]
            if spec.get("Labels", {}).get(STORE_LABEL) == "true":
                return True
            try:
                found.update({**spec, "Labels": {**spec.get("Labels", {}), STORE_LABEL: "true"}})
            except APIError as error:
                if "out of sequence" not in str(error):
                    raise
            return False

        wait_until(f"{node.name} labelled {STORE_LABEL}", label, timeout=10)
