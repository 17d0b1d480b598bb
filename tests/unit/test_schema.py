"""The files of a run against the schemas that the package brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import ValidationError

from orchlab import apps, results
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.plan import Request
from orchlab.records import Cell, Event, Finding, Sample, to_row
from tests.schemas import schema

SAMPLE = to_row(Sample("new", "n1", 1, 2, 3, "ok", 200, "", "r1", "7"))
CRASH = Cell("swarm", "hardened", "crash")


@pytest.fixture
def run(tmp_path: Path) -> results.RunDir:
    asked = {"crash": EXPERIMENTS["crash"]()}
    plan = Request({"swarm": ("defaults", "hardened")}, asked).plan(seed=1)
    return results.open_run(tmp_path, plan | {"profile": "quick", "images": "auto"})


def test_a_run_is_valid_from_its_start_to_its_end(run: results.RunDir) -> None:
    """Also one that was interrupted and went on."""
    valid = schema("run")
    for act in (lambda: None, lambda: run.finish("interrupted"), run.reopen):
        act()
        valid.validate(results.read_json(run.path / "run.json"))


def test_a_run_of_somebody_s_app_is_valid(tmp_path: Path) -> None:
    """The plan describes the app."""
    app = apps.App(name="shop", image="shop:1", port=80, health="/up")
    plan = Request({"swarm": ("hardened",)}, {"crash": EXPERIMENTS["crash"]()}).plan(seed=1)
    planned = plan | {"profile": "quick", "images": "auto"} | apps.planned(app)
    made = results.open_run(tmp_path, planned)
    schema("run").validate(results.read_json(made.path / "run.json"))


def test_findings_are_valid(run: results.RunDir) -> None:
    """With numbers and with censored values."""
    values: dict[str, float | int | str] = {"capacity_s": "> 120", "recovered_s": 0.4}
    run.save_findings([Finding("crash", "swarm", "hardened", "limit", "why", values, 2)])
    schema("findings").validate(results.read_json(run.path / "findings.json"))


def test_rows_are_valid() -> None:
    """Samples, and events with or without detail."""
    valid = schema("row")
    valid.validate(SAMPLE)
    valid.validate(to_row(Event(5, "fault", "r1", {"node": "n1"})))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("run", {"schema": 1}),
        ("findings", [{"verdict": "perhaps"}]),
        ("row", SAMPLE | {"outcome": "maybe"}),
        ("row", SAMPLE | {"retries": 1}),
        ("row", {"type": "guess"}),
    ],
)
def test_what_a_reader_would_not_expect_is_refused(name: str, wrong: Any) -> None:  # noqa: ANN401
    """The schemas tell a run from something else."""
    with pytest.raises(ValidationError):
        schema(name).validate(wrong)
