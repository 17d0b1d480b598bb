"""A run -> one self-contained HTML page: no external resource, readable without its script.

The drawings are SVG that the template writes, not a plotting library's: a page of some
hundred kilobytes instead of 5 MB, in the reader's own colour scheme, and the same on paper.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from orchlab.platforms.base import DEFAULTS
from orchlab.report import latency, matrix, published, strips
from orchlab.report.digest import Digest
from orchlab.report.digests import digests
from orchlab.report.promises import PROMISES
from orchlab.report.subjects import TITLES, grouped
from orchlab.report.timeline import SHAPES, Timeline, timeline
from orchlab.report.why import plain
from orchlab.results import Run

NAME = "report.html"
MARKS = {
    "compose": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
    "swarm": "M-4-4h8v8h-8z",
    "k8s": "M0-5.5l5.5 5.5-5.5 5.5-5.5-5.5z",
}
"""Platform -> the shape of its points."""

_UNIT = re.compile(r"(?<=\d) (?=(?:s|ms|µs|%|MiB|KiB|Gbit/s)(?!\w))")


@dataclass(frozen=True, slots=True)
class Experiment:
    """All drawings of one question; ``groups``: variant -> platform -> repetitions."""

    name: str
    title: str
    question: str
    strips: Sequence[strips.Strip]
    groups: Mapping[str, Mapping[str, Sequence[Timeline]]]


def render(run: Run) -> Path:
    """Write ``report.html`` into the run's directory and return its path."""
    path = run.path / NAME
    draft = path.with_name(f".{NAME}.new")
    draft.write_text(page(run), encoding="utf-8")
    return draft.replace(path)


def page(run: Run) -> str:
    """The page's text."""
    environment = Environment(
        loader=PackageLoader("orchlab.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["tied"] = tied
    script = resources.files("orchlab.report").joinpath("templates/page.js").read_text("utf-8")
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html.j2").render(
        script=script, script_hash=f"sha256-{hashed}", **_content(run)
    )


def tied(text: str) -> str:
    """The text with every unit on the line of its number."""
    return _UNIT.sub("\N{NO-BREAK SPACE}", text)


def _content(run: Run) -> dict[str, Any]:
    rows = matrix.matrix(run)
    columns, variants = matrix.platforms(run), matrix.variants(run)
    drawn = sorted(
        (each for each in digests(run) if each.lanes),
        key=lambda each: (columns.index(each.platform), variants.index(each.variant)),
    )
    timing_columns, timing_rows = matrix.timings(run)
    return {
        "run": run,
        "app": run.plan.get("app"),
        "beside": run.plan.get("beside", False),
        "problems": list(dict.fromkeys(run.problems)),
        "platforms": columns,
        "names": [matrix.LABELS.get(each, each) for each in columns],
        "labels": matrix.LABELS,
        "symbols": matrix.SYMBOLS,
        "words": matrix.WORDS,
        "rows": rows,
        "short": matrix.in_short(rows),
        "totals": matrix.totals(run, rows),
        "drawn": {each.experiment for each in drawn},
        "experiments": experiments(run, drawn, strips.strips(rows, columns)),
        "shapes": SHAPES,
        "marks": MARKS,
        "panels": latency.panels(drawn),
        "promises": PROMISES,
        "untold": lambda platform, names: untold(run, platform, names),
        "variants": variants,
        "knobs": lambda variant: matrix.knobs(run, variant),
        "published": published.beside(run, rows),
        "controls": controls(run, drawn),
        "voids": [each for each in run.findings if each.verdict == "void"],
        "versions": matrix.versions(run),
        "timing_columns": timing_columns,
        "timing_rows": timing_rows,
    }


def experiments(
    run: Run, drawn: Sequence[Digest], points: Mapping[str, Sequence[strips.Strip]]
) -> list[Experiment]:
    """Every experiment that was probed, in the order of the page."""
    names = [
        name for group in grouped(each.experiment for each in drawn).values() for name in group
    ]
    questions = run.plan.get("questions", {})
    by_name: dict[str, list[Digest]] = {name: [] for name in names}
    for each in drawn:
        by_name[each.experiment].append(each)
    return [
        Experiment(
            name,
            TITLES.get(name, name),
            questions.get(name, ""),
            points.get(name, ()),
            _groups(run, by_name[name]),
        )
        for name in names
    ]


def _groups(run: Run, drawn: Sequence[Digest]) -> dict[str, dict[str, list[Timeline]]]:
    """Drawings by variant and platform; those of one variant share a time axis."""
    findings = {each.cell: each for each in run.findings}
    groups: dict[str, dict[str, list[Timeline]]] = {}
    for variant in matrix.variants(run):
        mine = [each for each in drawn if each.variant == variant]
        window = min((d.start_s for d in mine), default=0), max((d.end_s for d in mine), default=1)
        for platform in matrix.platforms(run):
            found = sorted((d for d in mine if d.platform == platform), key=lambda d: d.repetition)
            for each in found:
                made = timeline(each, findings.get(each.cell), window)
                groups.setdefault(variant, {}).setdefault(platform, []).append(made)
    return groups


def untold(run: Run, platform: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """Knobs and their values where the platform was told nothing."""
    facts = run.facts.get((platform, DEFAULTS))
    return [(name, plain(facts.knobs[name])) for name in names if facts and name in facts.knobs]


def controls(run: Run, drawn: Sequence[Digest]) -> dict[str, Any]:
    """How many probed repetitions prove something, and the prober's worst lag."""
    void = {each.cell for each in run.findings if each.verdict == "void"}
    lags = [each.lag_p99_ms for each in drawn if each.lag_p99_ms is not None]
    return {
        "probed": len(drawn),
        "valid": sum(each.cell not in void for each in drawn),
        "lag": f"{max(lags):.1f} ms late" if lags else "not recorded",
    }
