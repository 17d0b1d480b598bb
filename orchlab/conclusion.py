"""The end of a run: judged from its files, printed, drawn, and put as an exit code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from orchlab import console, junit, paths, results
from orchlab.errors import PromiseBroken, Unanswered
from orchlab.experiments.judging import judge
from orchlab.records import Finding, Verdict
from orchlab.results import Run, RunDir


def report(run: str) -> None:
    """Judge and draw a run again; the newest when ``run`` is empty."""
    conclude(Path(run) if run else results.latest(paths.RESULTS))


def conclude(path: Path) -> None:
    """Judge a run from its files; write what it says, print it, and ``settle``."""
    from orchlab.report import render, table

    run = judged(path)
    junit.write(run)
    page = render(run)
    table.show(run)
    table.show_timings(run)
    console.note(f"report: {page}")
    settle(run.findings, path)


def judged(path: Path) -> Run:
    """A run with its findings, which are also written down."""
    run = results.load(path)
    findings = judge(run.cells, run.histories())
    RunDir(path).save_findings(findings)
    return replace(run, findings=findings)


def settle(findings: list[Finding], path: Path) -> None:
    """Raise ``PromiseBroken`` if one failed, else ``Unanswered`` if one proves nothing.

    An expected limit of a platform is an answer like any other.
    """
    hint = f"read {path / 'report.html'}"
    if failed := _named(findings, "fail"):
        raise PromiseBroken(f"not as promised: {failed}", hint)
    if unanswered := _named(findings, "unknown", "void"):
        go_on = f"`invoke compare --resume {path}` carries out what never came to its end"
        raise Unanswered(f"without an answer: {unanswered}", f"{hint}; {go_on}")


def _named(findings: list[Finding], *verdicts: Verdict) -> str:
    return ", ".join(str(each.cell) for each in findings if each.verdict in verdicts)
