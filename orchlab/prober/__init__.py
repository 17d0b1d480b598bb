"""Open-loop HTTP probing in a process of its own, and the handle that runs it.

==============  ============================================================
``handle``      ``Prober``: starts both processes, stops them by pid
``plan``        what to probe; travels as JSON on the process's stdin
``__main__``    ``python -m orchlab.prober``: schedules and writes rows
``schedule``    intended times, never moved by a late answer
``client``      one attempt over a new or a reused connection -> one Sample
``priority``    scheduled before the load that it measures
``pressure``    CPU pressure of the host, once per second
``control``     ``python -m orchlab.prober.control``: the static server
==============  ============================================================

Rows (``records.to_row``) are appended one line at a time, so that the runner
may append its own events to the same file.
"""

from __future__ import annotations

from orchlab.prober.handle import Prober
from orchlab.prober.rows import read_samples

__all__ = ["Prober", "read_samples"]
