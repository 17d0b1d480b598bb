"""A run as a reader sees it: ``render`` makes a page, ``show`` a terminal table.

==============  ============================================================
``matrix``      findings and facts -> rows that both of them print
``timeline``    a history -> lanes of coloured intervals and event marks
``page``        the two, through ``page.html.j2``, -> one file
``table``       the same findings on the terminal
==============  ============================================================

Nothing is judged here and nothing is measured again.
"""

from __future__ import annotations

from orchlab.report.page import render
from orchlab.report.table import show

__all__ = ["render", "show"]
