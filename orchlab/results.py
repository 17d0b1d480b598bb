"""Runs on disk: written as they happen, readable after any kind of end.

::

    results/<UTC time>/
      run.json                plan, host, versions, clock anchor, state
      findings.json  timings.json  junit.xml  report.html
      <platform>/logs/  <platform>/broken.txt
      <platform>/<variant>/facts.json
      <platform>/<variant>/<experiment>-<repetition>.jsonl    samples and events, as they came
      <platform>/<variant>/<experiment>-<repetition>.void-<k>  rows of a void attempt

``run.json`` carries ``SCHEMA``; a reader refuses a number that it doesn't know. The JSON
Schemas of ``run.json``, ``findings.json`` and the rows are in ``orchlab/schema``.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from orchlab.errors import OrchlabError, UsageError
from orchlab.host import boot, describe, source, version
from orchlab.paths import alone
from orchlab.platforms.base import Facts
from orchlab.prober.rows import scan
from orchlab.records import Cell, Event, Finding, History, Sample

SCHEMA = 2
State = Literal["running", "complete", "interrupted", "failed"]
"""running: also that of a run which was killed before it could say otherwise."""


@dataclass(frozen=True)
class Run:
    """All of a run, as read back from disk; ``problems`` says what could not be read.

    ``facts``: (platform, variant) -> what was in force. ``timings``: platform -> step ->
    seconds. ``source``: commit and whether the
    tree differed from it. ``anchor``: one moment on both clocks, and the boot that it is of.
    """

    path: Path
    state: State
    version: str
    source: dict[str, Any]
    plan: dict[str, Any]
    host: dict[str, str]
    anchor: dict[str, Any]
    facts: dict[tuple[str, str], Facts] = field(default_factory=dict)
    timings: dict[str, dict[str, float]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of its directory."""
        return self.path.name

    @property
    def app(self) -> str:
        """The name of the app that was measured."""
        return str(self.plan.get("app", {}).get("name", "the lab's own"))

    def histories(self) -> Iterator[History]:
        """The rows of one cell after the other: all of a full run would not fit into memory."""
        return (load_history(file, self.problems) for file in history_files(self.path))

    @property
    def cells(self) -> list[Cell]:
        """What was planned, in the order of execution."""
        return [Cell(**row) for row in self.plan.get("cells", [])]

    def date(self, at_ns: int) -> datetime:
        """The wall-clock time of a monotonic one."""
        wall = datetime.fromisoformat(str(self.anchor["utc"]))
        return wall + timedelta(microseconds=(at_ns - int(self.anchor["monotonic_ns"])) / 1000)


@dataclass(frozen=True)
class RunDir:
    """The writing side. Every method leaves the directory readable."""

    path: Path

    def history(self, cell: Cell) -> Path:
        """The file of a cell's samples and events; its directory exists."""
        name = f"{cell.experiment}-{cell.repetition}.jsonl"
        return self._folder(cell.platform, cell.variant) / name

    def set_aside(self, cell: Cell) -> None:
        """Keep the rows of an attempt that proves nothing beside those of the next one."""
        path = self.history(cell)
        attempts = (path.with_suffix(f".void-{number}") for number in itertools.count(1))
        path.rename(next(attempt for attempt in attempts if not attempt.exists()))

    def save_facts(self, platform: str, variant: str, facts: Facts) -> None:
        """Keep what was in force in a variant on a platform."""
        write_json(self._folder(platform, variant) / "facts.json", asdict(facts))

    def save_timing(self, platform: str, step: str, seconds: float) -> None:
        """Keep how long a step took; a repeated step overwrites."""
        path = self.path / "timings.json"
        with alone(self.path):  # lanes write side by side
            timings = read_json(path) if path.exists() else {}
            timings.setdefault(platform, {})[step] = round(seconds, 3)
            write_json(path, timings)

    @contextmanager
    def timing(self, platform: str, step: str) -> Iterator[None]:
        """Keep how long the ``with`` block took, unless it raised."""
        started = time.monotonic()
        yield
        self.save_timing(platform, step, time.monotonic() - started)

    def save_findings(self, findings: Iterable[Finding]) -> None:
        """Replace all findings."""
        write_json(self.path / "findings.json", [asdict(finding) for finding in findings])

    def reopen(self) -> None:
        """Say that an interrupted run goes on."""
        self._update(lambda run: {"state": "running", "resumed": [*run.get("resumed", []), _now()]})

    def finish(self, state: State) -> None:
        """Say how the run ended."""
        self._update(lambda _: {"state": state, "finished": _now()})

    def _update(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        path = self.path / "run.json"
        run = read_json(path)
        write_json(path, run | change(run))

    def _folder(self, platform: str, variant: str) -> Path:
        path = self.path / platform / variant
        path.mkdir(parents=True, exist_ok=True)
        return path


def open_run(root: Path, plan: Mapping[str, Any]) -> RunDir:
    """Make a directory for a run and write what is known before it starts.

    ``plan`` must be JSON-ready. Two runs opened in one second get two directories.
    """
    run = RunDir(_new_directory(root))
    start = {
        "schema": SCHEMA,
        "state": "running",
        "version": version(),
        "source": source(),
        "plan": dict(plan),
        "host": describe(),
        "anchor": _anchor(),
    }
    write_json(run.path / "run.json", start)
    return run


def load(path: Path) -> Run:
    """Read a run back, whatever its state; its rows only when ``histories`` is asked for.

    Raises ``UsageError`` when there is no run and ``OrchlabError`` when its
    files are damaged or of a newer schema. Lines of ``histories`` that
    a kill cut short are left out and named in ``problems``.
    """
    if not (path / "run.json").is_file():
        raise UsageError(f"no run in {path}", "give a directory below results/")
    start = read_json(path / "run.json")
    if start.get("schema") != SCHEMA:
        raise OrchlabError(
            f"{path} has schema {start.get('schema')}, this version reads {SCHEMA}",
            "use the version that wrote it: see run.json",
        )
    return Run(
        path=path,
        **{key: start[key] for key in ("state", "version", "source", "plan", "host", "anchor")},
        facts={_place(p): Facts(**read_json(p)) for p in sorted(path.glob("*/*/facts.json"))},
        timings=_optional(path / "timings.json", {}),
        findings=[Finding(**row) for row in _optional(path / "findings.json", [])],
    )


def latest(root: Path) -> Path:
    """The newest run below ``root``. Raises ``UsageError`` when there is none."""
    runs = sorted(file.parent for file in root.glob("*/run.json"))
    if not runs:
        raise UsageError(f"no run in {root}", "make one with `invoke compare`")
    return runs[-1]


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _anchor() -> dict[str, Any]:
    return {"utc": _now(), "monotonic_ns": time.monotonic_ns(), "boot": boot()}


def write_json(path: Path, value: object) -> None:
    """Replace a file as a whole: a reader sees the old or the new content."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Read a file. Raises ``OrchlabError`` when it isn't JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OrchlabError(f"{path} is damaged: {error}", "remove that run") from error


def _optional(path: Path, default: Any) -> Any:  # noqa: ANN401 - as read_json
    return read_json(path) if path.exists() else default


def _new_directory(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for number in range(1, 100):
        path = root / (name if number == 1 else f"{name}-{number:02d}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise OrchlabError(f"{root} holds 99 runs of this second", "is the clock right?")


def history_files(path: Path) -> list[Path]:
    """The files that hold the rows of a run's cells."""
    return sorted(path.glob("*/*/*-*.jsonl"))


def load_history(file: Path, problems: list[str] | None = None) -> History:
    """Read one experiment's rows back; lines that cannot be read go to ``problems``."""
    experiment, _, repetition = file.stem.rpartition("-")
    platform, variant = _place(file)
    samples: list[Sample] = []
    events: list[Event] = []
    for record in scan(file):
        if isinstance(record, Sample):
            samples.append(record)
        elif isinstance(record, Event):
            events.append(record)
        elif problems is not None:
            problems.append(f"{platform}/{variant}/{record}")
    return History(experiment, platform, variant, samples, events, int(repetition))


def _place(file: Path) -> tuple[str, str]:
    """The platform and the variant in whose directory a file is."""
    return file.parent.parent.name, file.parent.name
