"""Runs on disk, written and read back."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchlab import host, results
from orchlab.errors import CommandFailed, OrchlabError, UsageError
from orchlab.platforms.base import Facts
from orchlab.prober.rows import append
from orchlab.records import Cell, Event, Finding, Sample

SAMPLE = Sample("new", "n1", 1, 2, 3, "ok", 200, "", "r1", "7")
FACTS = Facts({"engine": "29"}, "client -> edge -> replica", {"restart delay": "100 ms (default)"})
FINDING = Finding("crash", "swarm", "hardened", "pass", "healed", {"recovered_s": 0.4}, 2)
CRASH = Cell("swarm", "hardened", "crash", 2)
CONTROL = Cell("swarm", "defaults", "network-cost")


def test_a_run_comes_back_as_written(tmp_path: Path) -> None:
    """Everything saved in a run is read back equal, cell by cell."""
    plan = {"platforms": ["swarm"], "cells": [asdict(CRASH), asdict(CONTROL)]}
    run = results.open_run(tmp_path, plan)
    append(run.history(CRASH), SAMPLE, Event(5, "fault", "r1"))
    append(run.history(CONTROL), SAMPLE)
    run.save_facts("swarm", "hardened", FACTS)
    run.save_timing("swarm", "create", 9.87654)
    with run.timing("swarm", "deploy"):
        pass
    run.save_findings([FINDING])
    run.finish("complete")

    got = results.load(run.path)
    assert got.state == "complete"
    assert got.plan == plan
    assert got.cells == [CRASH, CONTROL]
    control, crash = got.histories()
    assert [control.cell, crash.cell] == [CONTROL, CRASH]
    assert crash.samples == [SAMPLE]
    assert crash.first("fault") == Event(5, "fault", "r1")
    assert got.facts == {("swarm", "hardened"): FACTS}
    assert got.timings == {"swarm": {"create": 9.877, "deploy": pytest.approx(0, abs=0.5)}}
    assert got.findings == [FINDING]
    assert got.findings[0].cell == CRASH
    assert got.problems == []


def test_start_is_on_disk_at_once(tmp_path: Path) -> None:
    """Before anything runs, the directory says what is planned, on which host and commit."""
    run = results.open_run(tmp_path, {"profile": "quick"})
    start = json.loads((run.path / "run.json").read_text())
    assert (start["schema"], start["state"]) == (results.SCHEMA, "running")
    assert set(start["source"]) == {"commit", "dirty"}
    assert {"kernel", "cores", "memory", "python", "machine", "cgroup"} <= set(start["host"])
    assert results.load(run.path).state == "running"


def test_killed_run_is_readable(tmp_path: Path) -> None:
    """A line cut in the middle is left out and reported; what came before is kept."""
    run = results.open_run(tmp_path, {})
    append(run.history(CRASH), SAMPLE)
    with run.history(CRASH).open("a") as file:
        file.write('{"type":"sample","ser')
    got = results.load(run.path)
    assert next(got.histories()).samples == [SAMPLE]
    assert got.problems == ["swarm/hardened/crash-2.jsonl:2: unreadable line of 21 bytes left out"]


def test_rows_that_are_set_aside_are_kept_and_not_read(tmp_path: Path) -> None:
    """Each void attempt keeps a file of its own, which is no history."""
    run = results.open_run(tmp_path, {})
    for _ in range(2):
        append(run.history(CRASH), SAMPLE)
        run.set_aside(CRASH)
    kept = sorted(path.name for path in run.history(CRASH).parent.iterdir())
    assert kept == ["crash-2.void-1", "crash-2.void-2"]
    assert list(results.load(run.path).histories()) == []


def test_runs_of_one_second_do_not_collide(tmp_path: Path) -> None:
    """Runs opened together have directories of their own, and the last one is the latest."""
    paths = [results.open_run(tmp_path, {}).path for _ in range(4)]
    assert len(set(paths)) == 4
    assert results.latest(tmp_path) == paths[-1]


def test_no_run(tmp_path: Path) -> None:
    """Asking for a run where there is none is a usage error with a hint."""
    with pytest.raises(UsageError, match="no run in") as caught:
        results.latest(tmp_path)
    assert caught.value.hint
    with pytest.raises(UsageError, match="no run in"):
        results.load(tmp_path / "nothing")


def test_other_schema_is_refused(tmp_path: Path) -> None:
    """A run of another schema is refused instead of being misread."""
    (tmp_path / "run.json").write_text('{"schema": 99}')
    with pytest.raises(OrchlabError, match="schema 99"):
        results.load(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(OrchlabError, match="damaged"):
        results.load(tmp_path)


def test_dates_come_from_the_anchor(tmp_path: Path) -> None:
    """A monotonic time is mapped to a date through the run's anchor."""
    run = results.load(results.open_run(tmp_path, {}).path)
    anchor = int(run.anchor["monotonic_ns"])
    passed = run.date(anchor + 90_000_000_000) - run.date(anchor)
    assert passed.total_seconds() == 90
    assert abs((datetime.now(UTC) - run.date(anchor)).total_seconds()) < 60


def test_source_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a git checkout the commit is unknown instead of an error."""

    def fail(*_: object, **__: object) -> str:
        raise CommandFailed(["git"], 127, "")

    monkeypatch.setattr("orchlab.shell.run", fail)
    assert host.source() == {"commit": "unknown", "dirty": None}
