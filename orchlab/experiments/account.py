"""A ledger of acknowledged increments against the counter that is left of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchlab.records import History

ALWAYS = "always"
WAIT_SECONDS = 5
"""How long a write is followed on its way to the disk; beyond it ``synced_s`` is censored."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the writers were told, to be compared with what Redis kept.

    ``before`` is the counter as the writers found it, ``rate`` their acknowledged writes
    per second until the kill, ``synced_s`` the longest time that Redis took to say that an
    acknowledged write is on the disk (None: it keeps no append-only file).
    """

    fsync: str
    before: int
    acknowledged: Sequence[int]
    unknown: int
    rate: float
    synced_s: float | None

    @classmethod
    def of(cls, history: History) -> Account:
        """The account that a history holds."""
        written = history.all("written")[-1].detail
        synced = history.first("synced")
        return cls(
            fsync=history.all("policy")[-1].detail["fsync"],
            before=history.all("before")[-1].detail["value"],
            acknowledged=written["acknowledged"],
            unknown=written["unknown"],
            rate=history.all("fault")[-1].detail["rate"],
            synced_s=max(synced.detail["seconds"]) if synced else None,
        )

    @property
    def most(self) -> int:
        """The highest counter that the writers can explain: every unknown write happened."""
        return self.before + len(self.acknowledged) + self.unknown

    def lost(self, read: int) -> int:
        """Acknowledged writes that a counter of ``read`` cannot hold.

        Each increment has a value of its own. A value above the counter was forgotten, and
        so was one that was given twice; unknown writes must not make up for either.
        """
        forgotten = sum(value > read for value in self.acknowledged)
        repeated = len(self.acknowledged) - len(set(self.acknowledged))
        missing = self.before + len(self.acknowledged) - read
        return max(forgotten + repeated, missing)

    def values(self) -> dict[str, float | str]:
        """The numbers of the finding, with the policy in force."""
        synced = {} if self.synced_s is None else {"synced_after_s": round(self.synced_s, 2)}
        return {
            "fsync": self.fsync,
            "acknowledged": len(self.acknowledged),
            "unknown": self.unknown,
            **synced,
            "power_loss": self.power_loss(),
        }

    def power_loss(self) -> str:
        """The acknowledged writes that a power loss instead of the kill could have taken."""
        if self.synced_s is None:
            return "all since the last snapshot: no append-only file"
        if self.fsync == ALWAYS:
            return "none: each write is synced before its answer"
        if self.synced_s >= WAIT_SECONDS:
            return f"more than the last {WAIT_SECONDS} s"
        return f"the last {self.synced_s:.1f} s, here about {self.rate * self.synced_s:.0f}"
