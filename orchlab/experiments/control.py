"""Experiment 0: nothing is broken on purpose; what fails is the bench itself."""

from __future__ import annotations

from orchlab.experiments.base import RECOMMENDED, Bench, Needs, finding, measured, start_of
from orchlab.records import Finding, History

CONTROL = "control"
SECONDS = 12.0


class Control:
    """Probe a healthy release and do nothing else."""

    name = CONTROL
    row = "0"
    question = "Does the bench lose requests when nothing is wrong?"
    variants = RECOMMENDED
    needs: Needs = ()

    def run(self, bench: Bench) -> None:
        """Let ``SECONDS`` of probing pass."""
        with bench.probing():
            bench.window("baseline", SECONDS)

    def judge(self, history: History) -> Finding:
        """Pass when nothing failed; the bound says how much that proves."""
        metrics = measured(history, start_of(history, "window"))
        lost = metrics.new.failed + metrics.reused.failed
        sent = metrics.new.total + metrics.reused.total
        values = metrics.values()
        del values["recovered_s"]
        if lost or not sent:
            return finding(history, "fail", f"{lost} of {sent} requests failed", **values)
        return finding(history, "pass", f"none of {sent} requests failed", **values)
