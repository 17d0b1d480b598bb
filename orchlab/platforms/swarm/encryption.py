"""Whether overlays can be encrypted: a kernel that cannot drops packets without a word.

Seen with engine 26.1: without ESP in the kernel an encrypted overlay is made, its tasks
run and are called healthy, nothing is logged, and what crosses nodes never arrives.
"""

from __future__ import annotations

from orchlab import console, shell
from orchlab.errors import CommandFailed, HostUnfit, UsageError
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm.stack import Stack

STATE = (
    *("src", "192.0.2.1", "dst", "192.0.2.2", "proto", "esp", "spi", "1", "mode", "transport"),
    *("aead", "rfc4106(gcm(aes))", "0x0102030405060708090a0b0c0d0e0f1011121314", "64"),
)
"""A security association as the engine makes one for each pair of nodes."""

REFUSALS = ("Error:", "RTNETLINK answers:", "Cannot open netlink socket:")
"""How ``ip`` reports what the kernel said; anything else is about ``ip`` itself."""


def require(node: Node) -> None:
    """Raise ``HostUnfit`` if the kernel of a node cannot encrypt; all nodes here share it.

    Tried in a network namespace of its own, so nothing is left behind. Where the node
    has no program to try it with, that is said and nothing is raised.
    """
    reason = refusal(node)
    if reason is None:
        return
    if not reason.startswith(REFUSALS):
        console.warn(f"whether this kernel can encrypt could not be tried: {reason}")
        return
    raise HostUnfit(
        f"this kernel cannot encrypt an overlay: {reason}",
        "ESP and AES-GCM are needed (CONFIG_INET_ESP, CONFIG_CRYPTO_GCM); leave --encrypted out",
    )


def refusal(node: Node) -> str | None:
    """The last line of what went wrong; None if the kernel took the association."""
    argv = ["docker", "exec", node.name, "unshare", "--net", "ip", "xfrm", "state", "add", *STATE]
    try:
        shell.run(argv)
    except CommandFailed as error:
        return error.output.strip().rpartition("\n")[2] or "no reason given"
    return None


def require_unchanged(stack: Stack) -> None:
    """Raise ``UsageError`` if the stack's networks exist and are not encrypted."""
    open_ones = [name for name, encrypted in networks(stack).items() if not encrypted]
    if open_ones:
        raise UsageError(
            f"not encrypted, and a network never changes: {', '.join(sorted(open_ones))}",
            "`invoke swarm-down` removes them with everything else; then deploy anew",
        )


def networks(stack: Stack) -> dict[str, bool]:
    """The stack's networks by name, and whether they are encrypted."""
    with stack.api() as client:
        found = client.networks.list(filters={**stack.chosen})
        return {str(each.name): "encrypted" in (each.attrs["Options"] or {}) for each in found}
