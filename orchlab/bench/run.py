"""``invoke bench``: measure figures, keep the raw readings, print and judge."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from orchlab import console, engine, host, paths, results
from orchlab.bench import table
from orchlab.bench.figure import Figure, Outcome, Pair, alternate
from orchlab.bench.figures import FIGURES
from orchlab.errors import OrchlabError, PromiseBroken, UsageError
from orchlab.images.store import ImageStore
from orchlab.lifecycle import image_store
from orchlab.names import pick

DIRECTORY = "bench"
"""Below results/, apart from the runs that ``invoke report`` reads."""

PAGE = paths.ROOT / "docs" / "figures.md"
"""Written when every figure was measured."""

QUIET_LOAD = 0.5
"""Load average up to which a machine counts as doing nothing else."""


def bench(only: str, repeats: int, policy: str) -> None:
    """Measure the figures named in ``only``, or all, ``repeats`` pairs each.

    Raises ``UnknownName``, ``UsageError`` or what a figure requires before anything starts
    and ``PromiseBroken`` at the end when a ratio is beyond its limit.
    """
    chosen = [FIGURES[name] for name in pick("figure", only, FIGURES)]
    if repeats < 1:
        raise UsageError(f"{repeats} pairs cannot be measured", "ask for at least 1")
    for each in chosen:
        each.require()
    images = image_store(policy)
    engine.ensure()
    plan = {"figures": [each.name for each in chosen], "pairs": repeats, "images": policy}
    plan["load average before"] = load = load_before()
    run = results.open_run(paths.RESULTS / DIRECTORY, plan)
    state: results.State = "failed"
    try:
        found = _measure_all(chosen, images, repeats, run.path)
        state = "complete" if len(found) == len(chosen) else "failed"
    except KeyboardInterrupt:
        state = "interrupted"
        raise
    finally:
        run.finish(state)
    machine = {"load average before": str(load), **host.describe(), "commit": _commit()}
    show(found, machine)
    console.note(f"raw readings: {run.path}")
    if len(found) == len(FIGURES):
        PAGE.write_text(table.page(found, machine, datetime.now(UTC).date()), encoding="utf-8")
        console.note(f"page: {PAGE}")
    judge(found, chosen)


def _commit() -> str:
    source = host.source()
    return f"{source['commit'][:12]}{', changed since' if source['dirty'] else ''}"


def load_before() -> float:
    """The machine's load average; warns when it does other things, too."""
    load = round(os.getloadavg()[0], 2)
    if load > QUIET_LOAD:
        console.warn(f"the load average is {load}: what is measured now says little")
    return load


def _measure_all(
    chosen: Sequence[Figure], images: ImageStore, repeats: int, into: Path
) -> dict[str, Outcome]:
    """What could be measured; a figure that could not is said, and the others go on."""
    found = {}
    for each in chosen:
        try:
            found[each.name] = measure(each, images, repeats, into)
        except OrchlabError as error:
            console.warn(f"{each.name}: {error.message}; {error.hint}")
    return found


def measure(figure: Figure, images: ImageStore, repeats: int, into: Path) -> Outcome:
    """One figure; each pair is on disk as ``<figure>.json`` as soon as it is complete."""
    pairs: list[Pair] = []
    console.rule(figure.name)
    with figure.prepare(images) as sides:
        for pair in alternate(sides, 1 if figure.fixed else repeats):
            pairs.append(pair)
            results.write_json(into / f"{figure.name}.json", Outcome(pairs, sides.knobs).row())
            console.note(f"{figure.name}: {_values(figure, pair)}, ratio {pair.ratio:.2f}")
    return Outcome(pairs, sides.knobs)


def show(found: Mapping[str, Outcome], machine: Mapping[str, str]) -> None:
    """Print ratios and promises, then what was in force."""
    console.table("figures: medians", table.HEADER, table.rows(found))
    titles = ("figure", "what", "in force")
    lines = (map(escape, cells) for cells in table.knobs(found, machine))
    console.table("what was measured, and how", titles, map(list, lines))


def judge(found: Mapping[str, Outcome], chosen: Sequence[Figure]) -> None:
    """Raise ``PromiseBroken`` for figures beyond their limit, ``OrchlabError`` for missing ones."""
    broken = [name for name, each in found.items() if not FIGURES[name].promise.holds(each.ratio)]
    if broken:
        hint = "repeat it on a machine that does nothing else; --repeats takes more pairs"
        raise PromiseBroken(f"not as promised: {', '.join(broken)}", hint)
    if missing := [each.name for each in chosen if each.name not in found]:
        raise OrchlabError(f"not measured: {', '.join(missing)}", "the reasons stand above")


def _values(figure: Figure, pair: Pair) -> str:
    return f"{pair.ours.value:.4g} against {pair.other.value:.4g} {figure.unit}"
