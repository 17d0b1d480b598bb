"""What the prober process is asked to do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from orchlab.apps import Identity

CONTROL_RATE = 10.0
TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry node and the URL that is probed there."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Plan:
    """``rate``: requests per second of each app series; ``into``: the file of rows.

    ``identity``: how an answer says who gave it, where no header does.
    """

    entries: tuple[Entry, ...]
    control: Entry
    into: str
    rate: float = 50.0
    control_rate: float = CONTROL_RATE
    timeout_s: float = TIMEOUT_S
    identity: Identity | None = None

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The inverse of ``to_json``. Raises ``ValueError``/``TypeError`` for another text."""
        plan = cls(**json.loads(text))
        return replace(
            plan,
            entries=tuple(Entry(**dict(entry)) for entry in plan.entries),  # type: ignore[call-overload]
            control=Entry(**dict(plan.control)),  # type: ignore[call-overload]
            identity=plan.identity and Identity(**dict(plan.identity)),  # type: ignore[call-overload]
        )
