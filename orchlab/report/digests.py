"""The digests of a run: read from beside the rows, or made and put there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchlab import results
from orchlab.records import History
from orchlab.report.digest import FORMAT, Digest, Lane, Moment, digest
from orchlab.results import Run

SUFFIX = ".digest"


@dataclass(frozen=True, slots=True)
class Kept:
    """A digest, and the lines of its rows that could not be read."""

    digest: Digest
    problems: list[str]


def digests(run: Run) -> Iterator[Digest]:
    """A digest of every history of the run; lines that cannot be read go to ``run.problems``."""
    for rows in results.history_files(run.path):
        kept = _read(rows) or _make(rows)
        run.problems.extend(kept.problems)
        yield kept.digest


def keep(rows: Path, history: History, problems: Sequence[str] = ()) -> Kept:
    """Condense the history that was read from ``rows``, and put the digest beside them."""
    return save(rows, Kept(digest(history), list(problems)))


def save(rows: Path, kept: Kept) -> Kept:
    """Put a digest beside the rows that it condenses."""
    content = {"of": _stamp(rows), **asdict(kept)}
    draft = rows.with_suffix(f"{SUFFIX}.new")
    draft.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
    draft.replace(rows.with_suffix(SUFFIX))
    return kept


def _make(rows: Path) -> Kept:
    problems: list[str] = []
    return keep(rows, results.load_history(rows, problems), problems)


def _read(rows: Path) -> Kept | None:
    """What stands beside ``rows``, unless it is of other rows or cannot be read."""
    try:
        content = json.loads(rows.with_suffix(SUFFIX).read_bytes())
        if content["of"] != _stamp(rows):
            return None
        return Kept(_digest(content["digest"]), content["problems"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stamp(rows: Path) -> list[int]:
    seen = rows.stat()
    return [FORMAT, seen.st_size, seen.st_mtime_ns]


def _digest(plain: dict[str, Any]) -> Digest:
    latency = {
        series: {int(index): count for index, count in counts.items()}
        for series, counts in plain.pop("latency").items()
    }
    lanes = [_lane(lane) for lane in plain.pop("lanes")]
    moments = [Moment(**moment) for moment in plain.pop("moments")]
    return Digest(**plain, lanes=lanes, moments=moments, latency=latency)


def _lane(plain: dict[str, Any]) -> Lane:
    """JSON knows no tuples."""
    spans, outages = plain.pop("spans"), plain.pop("outages")
    return Lane(**plain, spans=[(a, b, n) for a, b, n in spans], outages=list(map(tuple, outages)))
