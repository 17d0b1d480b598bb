"""A judged run as a CI reads it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from orchlab import junit, results
from orchlab.prober.rows import append
from orchlab.records import Cell, Event, Finding, Verdict

VERDICTS: tuple[Verdict, ...] = ("pass", "fail", "limit", "unsupported", "unknown", "void")


def written(tmp_path: Path) -> ET.Element:
    """A run with a repetition for each verdict, the first of which took two seconds."""
    directory = results.open_run(tmp_path, {})
    path = directory.history(Cell("swarm", "hardened", "crash"))
    append(path, Event(1_000_000_000, "started"), Event(3_000_000_000, "finished"))
    directory.save_findings(
        Finding("crash", "swarm", "hardened", verdict, f"because <{verdict}>", {"lost": n}, n)
        for n, verdict in enumerate(VERDICTS, start=1)
    )
    junit.write(results.load(directory.path))
    return ET.parse(directory.path / "junit.xml").getroot()  # noqa: S314 - our own file


def test_every_verdict_has_its_outcome(tmp_path: Path) -> None:
    """Fail is a failure, unknown an error, unsupported and void are skipped, a limit passes."""
    (suite,) = written(tmp_path)
    told = {each.get("message"): each.tag for case in suite for each in case if each.get("message")}
    assert told == {
        "fail: because <fail>": "failure",
        "unsupported: because <unsupported>": "skipped",
        "unknown: because <unknown>": "error",
        "void: because <void>": "skipped",
    }


def test_what_was_measured_stands_in_the_output(tmp_path: Path) -> None:
    """A limit says so, with its numbers."""
    limit = written(tmp_path)[0][2]
    assert limit.get("name") == "crash #3"
    assert limit.findtext("system-out") == "limit: because <limit>\nlost = 3"


def test_a_suite_counts_its_cases(tmp_path: Path) -> None:
    """One suite for each platform and variant; times are those of the histories."""
    (suite,) = written(tmp_path)
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert suite.get("name") == "swarm.hardened"
    assert counts == {"tests": "6", "failures": "1", "errors": "1", "skipped": "2"}
    assert [case.get("time") for case in suite][:2] == ["2.000", "0.000"]
