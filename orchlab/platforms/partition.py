"""A partition: one node's packets to and from the other nodes are dropped.

The filter sits in the node's own network namespace, where the pod network's or the
overlay's encapsulated packets, the control traffic and what its containers send all
pass. Clients and the image registry are no nodes, so they are not cut off. It does
not survive the node: one that was started again has a fresh namespace.

A node is given by the name of its container, a peer by its address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from orchlab import console, shell
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.wait import wait_until

CHAIN = "ORCHLAB-CUT"
HOOKS = ("INPUT", "OUTPUT", "FORWARD")
DROPPED_SECONDS = 15.0
"""Nodes gossip every second and send a heartbeat every five: both are dropped by then."""


def cut(node: str, peers: Collection[str]) -> None:
    """Drop all packets between a node and its peers.

    Raises ``OrchlabError`` without any, and ``WaitTimeout`` unless some packets were
    dropped: a partition that stopped nothing is none.
    """
    if not peers:
        raise OrchlabError(f"{node} has no peers to be cut off from", "add workers")
    mend(node)
    _restore(node, rules(peers))
    count = wait_until(
        f"packets between {node} and its peers dropped",
        lambda: dropped(node),
        timeout=DROPPED_SECONDS,
        pause=0.1,
    )
    console.note(f"{node} is cut off: {count} packets dropped so far")


def mend(node: str) -> None:
    """Remove the filter; returns at once when there is none."""
    if not _exists(node):
        return
    unhook = [f"-D {hook} -j {CHAIN}" for hook in HOOKS]
    _restore(node, table(*unhook, f"-F {CHAIN}", f"-X {CHAIN}"))


def dropped(node: str) -> int:
    """How many packets the filter has dropped so far."""
    return count(_iptables(node, "-w", "-n", "-v", "-x", "-L", CHAIN))


def rules(addresses: Iterable[str]) -> str:
    """The filter against these addresses, applied as a whole or not at all."""
    drops = [f"-A {CHAIN} {way} {each} -j DROP" for each in addresses for way in ("-s", "-d")]
    return table(f":{CHAIN} - [0:0]", *drops, *(f"-I {hook} -j {CHAIN}" for hook in HOOKS))


def table(*lines: str) -> str:
    """Input of ``iptables-restore``."""
    return "\n".join(["*filter", *lines, "COMMIT", ""])


def count(listing: str) -> int:
    """The packets of all DROP rules in what ``iptables -v -x -L`` prints."""
    rows = [line.split() for line in listing.splitlines()]
    return sum(int(row[0]) for row in rows if row[2:3] == ["DROP"])


def _exists(node: str) -> bool:
    try:
        _iptables(node, "-w", "-n", "-L", CHAIN)
    except CommandFailed:
        return False
    return True


def _iptables(node: str, *words: str) -> str:
    return shell.run(["docker", "exec", node, "iptables", *words], echo=False)


def _restore(node: str, text: str) -> None:
    script = f"iptables-restore -w --noflush <<END\n{text}END\n"
    shell.run(["docker", "exec", node, "sh", "-c", script])
