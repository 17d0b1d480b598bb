"""A judged run as JUnit XML, which every CI can read: a test case for each finding."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from orchlab.records import Cell, Finding, Verdict
from orchlab.report.digest import Digest
from orchlab.report.digests import digests
from orchlab.results import Run

NAME = "junit.xml"

TAGS: dict[Verdict, str] = {
    "fail": "failure",
    "unknown": "error",
    "unsupported": "skipped",
    "void": "skipped",
}
"""What is neither of these passed, an expected limit too."""

COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def write(run: Run) -> None:
    """Write ``junit.xml`` into the run's directory."""
    ElementTree(document(run)).write(run.path / NAME, encoding="utf-8", xml_declaration=True)


def document(run: Run) -> Element:
    """A suite for each platform and variant, in the order of the findings."""
    seconds = {each.cell: _seconds(each) for each in digests(run)}
    root = Element("testsuites", name=f"orchlab {run.name}")
    for place, group in groupby(run.findings, key=lambda each: f"{each.platform}.{each.variant}"):
        _suite(SubElement(root, "testsuite", name=place), group, seconds)
    indent(root)
    return root


def _suite(suite: Element, findings: Iterable[Finding], seconds: dict[Cell, float]) -> None:
    for each in findings:
        _case(suite, each, seconds.get(each.cell, 0.0))
    suite.set("tests", str(len(suite)))
    for name, tag in COUNTED.items():
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))


def _case(suite: Element, finding: Finding, seconds: float) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=f"orchlab.{finding.platform}.{finding.variant}",
        name=f"{finding.experiment} #{finding.repetition}",
        time=f"{seconds:.3f}",
    )
    text = f"{finding.verdict}: {finding.summary}"
    if tag := TAGS.get(finding.verdict):
        SubElement(case, tag, message=text)
    values = [f"{name} = {value}" for name, value in finding.values.items()]
    SubElement(case, "system-out").text = "\n".join([text, *values])


def _seconds(digest: Digest) -> float:
    """From its first event to its last."""
    moments = [event.at_s for event in digest.moments]
    return max(moments) - min(moments) if moments else 0.0
