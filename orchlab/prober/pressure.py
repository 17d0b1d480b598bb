"""Pressure stall information: how long work had to wait for a CPU."""

from __future__ import annotations

from pathlib import Path

from orchlab.records import Event

CPU = Path("/proc/pressure/cpu")


def parse(text: str) -> dict[str, float]:
    """The ``some`` line: ``avg10`` in per cent of the last 10 s, ``total_us`` since boot."""
    some = next(line for line in text.splitlines() if line.startswith("some "))
    fields = dict(field.split("=") for field in some.split()[1:])
    return {"avg10": float(fields["avg10"]), "total_us": int(fields["total"])}


def sample(path: Path = CPU) -> Event | None:
    """The pressure now; None where the kernel doesn't tell (no PSI, or switched off)."""
    try:
        text = path.read_text()
    except OSError:
        return None
    return Event.now("pressure", "cpu", **parse(text))
