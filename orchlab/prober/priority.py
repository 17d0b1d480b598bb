"""Precedence for the prober: its send times must not depend on the load it measures."""

from __future__ import annotations

import contextlib
import os

NICENESS = -10


def rise() -> str:
    """Give this process the best precedence that it may have, and say which.

    Real-time round robin first: niceness counts only within a session or a
    control group, and the load is in others. The prober uses few per cent of a
    core, and the kernel leaves ordinary processes 5 % of the time in any case.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        return "real-time round robin"
    with contextlib.suppress(OSError):
        return f"niceness {os.nice(NICENESS)}"
    return "ordinary"
