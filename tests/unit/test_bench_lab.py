"""What the lab's own parts cost: the prober and the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchlab import results
from orchlab.bench import probing, report
from orchlab.bench.figures import FIGURES
from orchlab.errors import OrchlabError
from orchlab.prober.rows import append
from orchlab.records import Cell, Event


def test_limits_of_the_prober_are_a_fifth_of_a_core_and_5_ms() -> None:
    """The other side of each figure and the promised ratio make the limit."""
    lag, cpu = FIGURES["prober-lag"].promise, FIGURES["prober-cpu"].promise
    assert lag.limit * probing.INTERVAL_MS == 5
    assert cpu.limit * probing.MS_PER_S == 200
    assert 2 * probing.RATE == 100


def test_what_the_prober_says_of_itself_is_a_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CPU time in a second, the lag, and the pressure meanwhile; its start does not count."""
    monkeypatch.setattr(probing, "SECONDS", 0.5)
    with probing._target() as probe:  # noqa: SLF001 - both figures rest on it
        found = probe()
    assert 0 < found["cpu_s"] < found["seconds"]
    assert found["requests"] > 50
    assert found["lag_p99_ms"] >= found["lag_p50_ms"] >= 0
    assert found["precedence"]


def test_the_largest_run_is_drawn(tmp_path: Path) -> None:
    """By its rows; where there is none, the hint says how to make one."""
    with pytest.raises(OrchlabError, match="no run in"):
        report.largest(tmp_path)
    runs = [results.open_run(tmp_path, {}) for _ in range(3)]
    for run, rows in zip(runs, (1, 3, 2), strict=True):
        path = run.history(Cell("swarm", "hardened", "crash"))
        append(path, *(Event(1, "fault") for _ in range(rows)))
    assert report.largest(tmp_path) == runs[1].path


def test_a_report_is_written_and_judged_again(tmp_path: Path) -> None:
    """What is timed is what `invoke report` does."""
    run = results.open_run(tmp_path, {})
    report.report(run.path)
    assert (run.path / "report.html").exists()
    assert (run.path / "findings.json").exists()
