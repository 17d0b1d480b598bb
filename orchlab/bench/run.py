"""``invoke bench``: measure figures, keep the raw readings, print and judge."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from rich.markup import escape

from orchlab import console, engine, host, paths, results
from orchlab.bench.figure import Figure, Outcome, Pair, alternate
from orchlab.bench.figures import FIGURES
from orchlab.errors import PromiseBroken, UsageError
from orchlab.images.store import ImageStore
from orchlab.lifecycle import image_store
from orchlab.names import pick

DIRECTORY = "bench"
"""Below results/, apart from the runs that ``invoke report`` reads."""

QUIET_LOAD = 0.5
"""Load average up to which a machine counts as doing nothing else."""


def bench(only: str, repeats: int, policy: str) -> None:
    """Measure the figures named in ``only``, or all, ``repeats`` pairs each.

    Raises ``UnknownName`` or ``UsageError`` before anything starts and
    ``PromiseBroken`` at the end when a ratio is beyond its limit.
    """
    chosen = [FIGURES[name] for name in pick("figure", only, FIGURES)]
    if repeats < 1:
        raise UsageError(f"{repeats} pairs cannot be measured", "ask for at least 1")
    images = image_store(policy)
    engine.ensure()
    plan = {"figures": [each.name for each in chosen], "pairs": repeats, "images": policy}
    plan["load average before"] = load = load_before()
    run = results.open_run(paths.RESULTS / DIRECTORY, plan)
    state: results.State = "failed"
    try:
        found = {each.name: measure(each, images, repeats, run.path) for each in chosen}
        state = "complete"
    except KeyboardInterrupt:
        state = "interrupted"
        raise
    finally:
        run.finish(state)
    show(found, {"load average before": str(load), **host.describe()})
    console.note(f"raw readings: {run.path}")
    judge(found)


def load_before() -> float:
    """The machine's load average; warns when it does other things, too."""
    load = round(os.getloadavg()[0], 2)
    if load > QUIET_LOAD:
        console.warn(f"the load average is {load}: what is measured now says little")
    return load


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
    figures = [FIGURES[name] for name in found]
    header = ("figure", "ours", "other", "ratio", "all pairs", "promised", "")
    console.table("figures: medians", header, [row(each, found[each.name]) for each in figures])
    knobs = [(each.name, *knob) for each in figures for knob in _knobs(each, found[each.name])]
    common = [("all", *knob) for knob in machine.items()]
    titles = ("figure", "what", "in force")
    console.table("what was measured, and how", titles, map(_text, [*knobs, *common]))


def row(figure: Figure, outcome: Outcome) -> tuple[str, ...]:
    """A figure as the table shows it: how much, and whether the promise held."""
    ours = median(pair.ours.value for pair in outcome.pairs)
    other = median(pair.other.value for pair in outcome.pairs)
    return (
        figure.name,
        f"{ours:.4g} {figure.unit}",
        f"{other:.4g} {figure.unit}",
        f"{outcome.ratio:.3f}",
        spread(outcome.ratios),
        str(figure.promise),
        "held" if figure.promise.holds(outcome.ratio) else "broken",
    )


def spread(ratios: Sequence[float]) -> str:
    """The range of the ratios, and how many there are."""
    return f"{min(ratios):.3f} - {max(ratios):.3f}, n = {len(ratios)}"


def judge(found: Mapping[str, Outcome]) -> None:
    """Raise ``PromiseBroken`` for figures that are beyond their limit."""
    broken = [name for name, each in found.items() if not FIGURES[name].promise.holds(each.ratio)]
    if broken:
        hint = "repeat it on a machine that does nothing else; --repeats takes more pairs"
        raise PromiseBroken(f"not as promised: {', '.join(broken)}", hint)


def _knobs(figure: Figure, outcome: Outcome) -> list[tuple[str, str]]:
    return [("ours", figure.ours), ("other", figure.other), *outcome.knobs.items()]


def _text(cells: tuple[str, ...]) -> list[str]:
    """Table cells that show every character, brackets too."""
    return [escape(each) for each in cells]


def _values(figure: Figure, pair: Pair) -> str:
    return f"{pair.ours.value:.4g} against {pair.other.value:.4g} {figure.unit}"
