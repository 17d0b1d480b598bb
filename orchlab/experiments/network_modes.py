"""Networking: N6, what is known and reached in each kind of network that a platform has."""

from __future__ import annotations

from typing import cast

from orchlab.apps import Feature
from orchlab.experiments import inside
from orchlab.experiments.base import RECOMMENDED, Bench, Needs, finding
from orchlab.platforms.capabilities import NetworkModes
from orchlab.records import Finding, History

DOCUMENTED = {
    "default bridge": "by address only",
    "user-defined bridge": "by name and address",
    "host": "by address only",
    "none": "not at all",
    "pod network": "by name and address",
    "hostNetwork": "by address only",
}
"""How a neighbour is found, as Docker's and Kubernetes' documentation has it ("Bridge network
driver", "Host network driver"; "DNS for Services and Pods": a pod in its node's network asks
the node's name server)."""


class Networks:
    """N6: in each kind of network a container looks for a neighbour by name and by address."""

    name = "network-modes"
    row = "N6"
    question = "In which kinds of network is a neighbour found by name, and by address?"
    variants = RECOMMENDED
    needs: Needs = (NetworkModes, Feature.TOOLS)

    def run(self, bench: Bench) -> None:
        """Ask once in each."""
        platform = cast("NetworkModes", bench.platform)
        for mode in platform.network_modes:
            with platform.peers(mode, bench.release.image) as peer:
                found = inside.resolve(peer.run, [peer.name])[peer.name]
                said = inside.get(peer.run, peer.address, peer.port)
                bench.mark("asked", mode, addresses=found, said=said)

    def judge(self, history: History) -> Finding:
        """Pass when each kind does what its documentation says."""
        values = {each.subject: way(**each.detail) for each in history.all("asked")}
        wrong = [mode for mode, found in values.items() if found != DOCUMENTED[mode]]
        if not values:
            return finding(history, "unknown", "nothing was asked")
        if wrong:
            summary = f"not as documented: {', '.join(wrong)}"
            return finding(history, "fail", summary, **values)
        return finding(history, "pass", f"as documented in {len(values)} networks", **values)


def way(addresses: list[str], said: str) -> str:
    """How the neighbour was found: an answer counts, whatever its status."""
    reached = said.startswith("HTTP/")
    if reached:
        return "by name and address" if addresses else "by address only"
    return "by name, and not reached" if addresses else "not at all"
