"""Figures: the order of readings, the ratio, the promise, and what the tools report."""

from __future__ import annotations

import asyncio
import json
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from orchlab import paths
from orchlab.bench import compose_up, load, rig, run, table
from orchlab.bench.figure import Figure, Outcome, Pair, Promise, Reading, Sides, alternate
from orchlab.bench.figures import FIGURES
from orchlab.bench.load import Load
from orchlab.bench.rig import Cores
from orchlab.errors import OrchlabError, PromiseBroken, UnknownName, UsageError

FORTIO = {
    "ActualQPS": 8631.5,
    "RetCodes": {"200": 20000},
    "DurationHistogram": {
        "Percentiles": [{"Percentile": 50, "Value": 0.0013}, {"Percentile": 99, "Value": 0.0132}]
    },
}
REDIS = (
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms",'
    '"p99_latency_ms","max_latency_ms"\n'
    '"GET","27624.31","0.033","0.024","0.031","0.055","0.143","1.039"\n'
)
TASK = """\
$ export DOCKER_HOST=unix:///x
... compose: 3 replicas
$ A=1 docker compose -p lab -f compose.yaml up -d --wait
$ docker compose -p lab ps
$ B=2 docker compose -p lab -f compose.yaml up -d --no-deps web
ok compose (2.0 s)
"""


def outcome(*pairs: tuple[float, float]) -> Outcome:
    """What was measured, as plain numbers."""
    return Outcome([Pair(Reading(a), Reading(b)) for a, b in pairs], {"knob": "[3]"})


def test_sides_take_turns() -> None:
    """Two pairs are measured in the order A B B A, and each reading stays on its side."""
    order: list[str] = []

    def side(name: str, value: float) -> Reading:
        order.append(name)
        return Reading(value)

    sides = Sides(lambda: side("A", 2), lambda: side("B", 1), {})
    pairs = list(alternate(sides, 4))
    assert "".join(order) == "ABBAABBA"
    assert {pair.ratio for pair in pairs} == {2}


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    """Ratios are taken within a pair: a machine that slows down for both changes nothing."""
    assert outcome((11, 10), (110, 100), (90, 10)).ratio == pytest.approx(1.1)


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(1, 100)), min_size=1))
def test_the_median_lies_among_the_pairs(pairs: list[tuple[float, float]]) -> None:
    """The ratio never lies outside of what was measured."""
    found = outcome(*pairs)
    assert min(found.ratios) <= found.ratio <= max(found.ratios)


@pytest.mark.parametrize(
    ("promise", "within", "beyond"),
    [(Promise("at most", 1.1), 1.1, 1.1001), (Promise("at least", 0.9), 0.9, 0.8999)],
)
def test_a_limit_is_part_of_the_promise(promise: Promise, within: float, beyond: float) -> None:
    """A promise holds at its limit and is broken beyond it."""
    assert promise.holds(within)
    assert not promise.holds(beyond)


@pytest.mark.parametrize(
    ("name", "promise"),
    [
        ("compose-up", "at most 1.10"),
        ("compose-up-hardened", "at most 1.10"),
        ("swarm-deploy", "at most 1.10"),
        ("swarm-update", "at most 1.10"),
        ("distribution", "at most 0.20"),
        ("throughput", "at least 0.90"),
        ("latency", "at most 3.00"),
        ("image", "at most 1.15"),
        ("prober-cpu", "at most 0.20"),
        ("prober-lag", "at most 0.50"),
        ("report", "at most 1.00"),
    ],
)
def test_the_promised_limits(name: str, promise: str) -> None:
    """The limits are those that the project promises."""
    assert str(FIGURES[name].promise) == promise


def test_every_figure_can_be_asked_for() -> None:
    """The help of the task names all figures, in the order in which they are measured."""
    words = [sys.executable, "-m", "invoke", "--help", "bench"]
    said = subprocess.run(words, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    assert f"comma-separated:{','.join(FIGURES)}" in "".join(said.split())


def test_fortio_is_read() -> None:
    """Its report becomes answers per second and percentiles in milliseconds."""
    assert load.of_fortio(FORTIO, 20000) == Load(8631.5, pytest.approx(1.3), pytest.approx(13.2))


@pytest.mark.parametrize("codes", [{"200": 19999}, {"200": 19999, "503": 1}, {"-1": 20000}, {}])
def test_load_that_failed_is_no_reading(codes: dict[str, int]) -> None:
    """An answer other than 200, or one that is missing, is an error and not a fast answer."""
    with pytest.raises(OrchlabError, match="20000"):
        load.of_fortio(FORTIO | {"RetCodes": codes}, 20000)


def test_redis_benchmark_is_read() -> None:
    """Its table becomes a rate and percentiles."""
    assert load.of_redis(REDIS) == Load(27624.31, 0.031, 0.143)


@pytest.mark.parametrize("text", ["", "Could not connect to Redis", REDIS.replace("GET", "SET")])
def test_redis_benchmark_that_failed_is_no_reading(text: str) -> None:
    """Without a row for GET there is an error with what was said instead."""
    with pytest.raises(OrchlabError, match="did not report"):
        load.of_redis(text)


def test_the_way_by_hand_is_what_the_task_echoes() -> None:
    """Every command that brings the stack up is taken, and waits for its end; nothing else is."""
    assert compose_up.by_hand(TASK).splitlines() == [
        "A=1 docker compose -p lab -f compose.yaml up -d --wait",
        "B=2 docker compose -p lab -f compose.yaml up -d --no-deps web --wait",
    ]
    with pytest.raises(OrchlabError):
        compose_up.by_hand("$ docker compose ps")


@pytest.mark.parametrize(
    ("count", "shared"),
    [(1, Cores("0", "0", "0")), (2, Cores("0", "1", "1")), (8, Cores("0", "1", "2"))],
)
def test_a_server_has_a_core_of_its_own_if_there_are_two(count: int, shared: Cores) -> None:
    """Load never runs on the server's core unless the machine has no other."""
    assert Cores.of(count) == shared


def test_the_bare_route_runs_with_the_apps_own_server_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It differs from the app in the application alone, and answers what the app answers."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    served: list[uvicorn.Config] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self: served.append(self.config))
    runpy.run_path(str(rig.BARE), run_name="__main__")
    (config,) = served
    assert config.timeout_keep_alive > 60, "not uvicorn's default: the app's"
    assert not config.access_log
    assert asyncio.run(ask(config.app, "/health")).json() == {"status": "alive"}
    assert asyncio.run(ask(config.app, "/count")).status_code == 404


async def ask(app: Any, path: str) -> httpx.Response:  # noqa: ANN401 - an ASGI application
    """A GET without a network."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bare") as client:
        return await client.get(path)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Figure]:
    """Two figures without an engine: the first holds, the second does not."""

    @contextmanager
    def sides(_: object) -> Iterator[Sides]:
        readings = iter([3.0, 2.0, 2.0, 3.0] * 2)
        yield Sides(
            lambda: Reading(next(readings), {"raw": 1}), lambda: Reading(next(readings)), {"k": "v"}
        )

    figures = {
        "good": Figure("good", "A", "B", "s", Promise("at most", 1.5), sides),
        "bad": Figure("bad", "A", "B", "s", Promise("at least", 2), sides, fixed=True),
    }
    for module in (run, table):
        monkeypatch.setattr(module, "FIGURES", figures)
    monkeypatch.setattr(run, "PAGE", tmp_path / "figures.md")
    monkeypatch.setattr(run.engine, "ensure", lambda: None)
    monkeypatch.setattr(paths, "RESULTS", tmp_path)
    return figures


def saved(root: Path, name: str) -> Any:  # noqa: ANN401 - JSON
    """A file of the only run below ``root``."""
    (path,) = root.glob(f"bench/*/{name}.json")
    return json.loads(path.read_text())


@pytest.mark.usefixtures("bench")
def test_raw_readings_are_kept(tmp_path: Path) -> None:
    """A run leaves each reading with its details and knobs, beside its plan and the machine."""
    run.bench("good", 3, "auto")
    kept = saved(tmp_path, "good")
    assert [pair["ours"]["value"] for pair in kept["pairs"]] == [3, 3, 3]
    assert kept["pairs"][0]["ours"]["detail"] == {"raw": 1}
    assert (kept["ratio"], kept["knobs"]) == (1.5, {"k": "v"})
    start = saved(tmp_path, "run")
    assert start["state"] == "complete"
    assert start["plan"]["pairs"] == 3
    assert "cores" in start["host"]


def test_what_a_figure_lacks_is_said_before_any_is_measured(
    bench: dict[str, Figure], tmp_path: Path
) -> None:
    """The last one's as well, since all take the better part of an hour."""

    def require() -> None:
        raise OrchlabError("no run", "make one")

    bench["bad"] = replace(bench["bad"], require=require)
    with pytest.raises(OrchlabError, match="no run"):
        run.bench("", 1, "auto")
    assert list(tmp_path.iterdir()) == []
    run.bench("good", 1, "auto")


@pytest.mark.usefixtures("bench")
def test_a_broken_promise_is_said_after_the_table(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Every figure is printed with its verdict; the broken ones are named at the end."""
    with pytest.raises(PromiseBroken, match=r"not as promised: bad$"):
        run.bench("", 2, "auto")
    printed = capsys.readouterr().out
    assert "held" in printed
    assert "broken" in printed
    assert len(saved(tmp_path, "bad")["pairs"]) == 1, "what is fixed is measured once"


def test_all_figures_together_become_a_page(bench: dict[str, Figure], tmp_path: Path) -> None:
    """With date, machine and verdicts; some of them alone leave the page as it is."""
    page = tmp_path / "figures.md"
    run.bench("good", 1, "auto")
    assert not page.exists()
    with pytest.raises(PromiseBroken):
        run.bench("", 1, "auto")
    text = page.read_text()
    assert f"{datetime.now(UTC):%Y-%m-%d}" in text
    assert "| all | cores |" in text
    for name in bench:
        assert f"| {name} |" in text


def test_the_page_names_no_place_of_one_machine(bench: dict[str, Figure]) -> None:
    """A command by hand stands there as anybody could type it in a checkout."""
    command = f"KUBECONFIG={Path.home()}/config kubectl apply -k {paths.ROOT}/k8s/base"
    found = {"good": Outcome([Pair(Reading(1), Reading(1))], {"by hand": command})}
    assert "KUBECONFIG=~/config kubectl apply -k k8s/base" in table.page(found, {}, date.min)
    assert bench


def test_a_line_break_stays_in_its_cell(bench: dict[str, Figure]) -> None:
    """A command of several lines, or with a pipe, does not break the table."""
    found = {"good": Outcome([Pair(Reading(1), Reading(1))], {"by hand": "a | b\nc"})}
    assert "| good | by hand | a \\| b<br>c |" in table.page(found, {}, date(2026, 1, 2))
    assert bench


def test_a_figure_that_cannot_be_measured_is_missing_alone(
    bench: dict[str, Figure], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are measured and shown; the end says which one is missing, and why."""

    @contextmanager
    def nothing(_: object) -> Iterator[Sides]:
        raise OrchlabError("no run to draw", "make one")
        yield

    monkeypatch.setitem(bench, "good", replace(bench["good"], prepare=nothing))
    monkeypatch.setitem(bench, "bad", replace(bench["bad"], promise=Promise("at least", 1)))
    with pytest.raises(OrchlabError, match="not measured: good"):
        run.bench("", 1, "auto")
    said = capsys.readouterr()
    assert "no run to draw; make one" in said.err
    assert "bad" in said.out


def test_an_interrupted_run_keeps_what_it_has(
    bench: dict[str, Figure], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ctrl-C leaves complete pairs on disk and says how the run ended."""

    def stop(sides: Sides, repeats: int) -> Iterator[Pair]:
        yield from alternate(sides, 1)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "alternate", stop)
    with pytest.raises(KeyboardInterrupt):
        run.bench("good", 5, "auto")
    assert len(saved(tmp_path, "good")["pairs"]) == 1
    assert saved(tmp_path, "run")["state"] == "interrupted"


@pytest.mark.usefixtures("bench")
def test_wrong_requests_start_nothing(tmp_path: Path) -> None:
    """An unknown figure or policy and less than one pair are refused at once."""
    for only, repeats, policy in (("speed", 1, "auto"), ("", 0, "auto"), ("", 1, "guess")):
        with pytest.raises((UnknownName, UsageError)):
            run.bench(only, repeats, policy)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("load_average", "warned"), [(0.2, False), (3.0, True)])
def test_a_busy_machine_is_said(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    load_average: float,
    warned: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Who measures beside other work is told that the numbers say little."""
    monkeypatch.setattr(run.os, "getloadavg", lambda: (load_average, 0, 0))
    assert run.load_before() == load_average
    assert ("warning" in capsys.readouterr().err) is warned
