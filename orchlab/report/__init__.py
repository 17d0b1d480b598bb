"""A run as a reader sees it: ``render`` makes a page, ``show`` a terminal table.

==============  ============================================================
``digest``      a history -> some kilobytes with all that is drawn of it
``digests``     those of a run, kept beside the rows
``subjects``    what the experiments are called, and their order
``numbers``     the values of all repetitions, as text
``why``         a sentence with the timers in force
``matrix``      findings and facts -> rows that page and table print
``timeline``    a digest -> lanes, outages, marks and platform events
``strips``      every repetition as a point
``latency``     curves over percentiles
``excerpts``    lines of a configuration file, found by what they set
``promises``    what each platform has to be told to keep the same promise
``published``   numbers of others beside ours
``page``        all of them, through ``templates/``, -> one file
``table``       the findings on the terminal
==============  ============================================================

Nothing is judged here and nothing is measured again.
"""

from __future__ import annotations

from orchlab.report.page import render
from orchlab.report.table import show

__all__ = ["render", "show"]
