"""A run -> one self-contained HTML page: no script, no external resource.

Timelines are drawn as SVG by the template instead of by a plotting library: a
page of some hundred kB instead of 5 MB, in the reader's own colour scheme, and
the same on paper and without JavaScript.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from orchlab.report import matrix
from orchlab.report.timeline import LABEL_WIDTH, timeline
from orchlab.results import Run

NAME = "report.html"


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
    environment.filters["value_lines"] = matrix.value_lines
    timing_columns, timing_rows = matrix.timings(run)
    drawn = [timeline(history) for history in matrix.histories(run)]
    return environment.get_template("page.html.j2").render(
        run=run,
        platforms=matrix.platforms(run),
        places=matrix.columns(run),
        paths=[(place, run.facts[place].data_path) for place in matrix.places(run)],
        rows=matrix.rows(run),
        symbols=matrix.SYMBOLS,
        knobs=matrix.knobs(run),
        versions=matrix.versions(run),
        timing_columns=timing_columns,
        timing_rows=timing_rows,
        timelines=[each for each in drawn if each is not None],
        left=LABEL_WIDTH,
    )
