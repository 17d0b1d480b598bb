"""Platforms x experiments: bring up, measure, tear down; then judge and draw.

One platform is up at a time. A platform that fails leaves ``unknown`` findings
and the others go on; Ctrl-C still tears down what is up.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from orchlab import console, engine, paths, results
from orchlab.errors import PromiseBroken
from orchlab.experiments.judging import judge
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.images.store import ImageStore
from orchlab.lifecycle import image_store
from orchlab.names import pick
from orchlab.plan import Request
from orchlab.platforms.base import Platform
from orchlab.platforms.registry import PLATFORMS
from orchlab.records import Finding
from orchlab.results import RunDir
from orchlab.session import Session


def compare(
    platforms: str,
    experiments: str,
    policy: str,
    *,
    keep: bool,
    elsewhere: Mapping[str, Callable[[ImageStore], Platform]] = MappingProxyType({}),
) -> None:
    """Measure, judge, print and draw.

    ``elsewhere``: platform -> an adapter of somebody's, instead of the lab's own.
    Raises ``UnknownName`` before anything starts and ``PromiseBroken`` at the
    end when a finding is ``fail`` or ``unknown``.
    """
    chosen = pick("platform", platforms, PLATFORMS)
    asked = {name: EXPERIMENTS[name]() for name in pick("experiment", experiments, EXPERIMENTS)}
    images = image_store(policy)
    engine.ensure()
    made = {**PLATFORMS, **elsewhere}
    adapters = {name: made[name](images) for name in chosen}
    request = Request({name: each.variants for name, each in adapters.items()}, asked)
    seed = random.SystemRandom().randrange(2**32)
    cells = request.cells(random.Random(seed))  # noqa: S311 - an order is no secret
    plan = {
        "platforms": chosen,
        "experiments": list(asked),
        "repetitions": request.repetitions,
        "seed": seed,
        "cells": [asdict(cell) for cell in cells],
        "questions": {name: each.question for name, each in asked.items()},
        "rows": {name: each.row for name, each in asked.items()},
        "images": policy,
    }
    directory = results.open_run(paths.RESULTS, plan)
    console.note(f"raw samples, events, facts and logs: {directory.path}")
    state: results.State = "failed"
    try:
        for (_, name), block in groupby(cells, key=lambda cell: (cell.repetition, cell.platform)):
            Session(directory, images, adapters[name], keep=keep).measure(list(block))
        state = "complete"
    except KeyboardInterrupt:
        state = "interrupted"
        raise
    finally:
        directory.finish(state)
    conclude(directory.path)


def report(run: str) -> None:
    """Judge and draw a run again; the newest when ``run`` is empty."""
    conclude(Path(run) if run else results.latest(paths.RESULTS))


def conclude(path: Path) -> None:
    """Judge a run from its files, print the table, write the page."""
    from orchlab.report import render, table

    run = results.load(path)
    findings = judge(run.cells, run.histories)
    RunDir(path).save_findings(findings)
    run = results.load(path)
    table.show(run)
    table.show_timings(run)
    console.note(f"report: {render(run)}")
    settle(findings, path)


def settle(findings: list[Finding], path: Path) -> None:
    """Raise ``PromiseBroken`` for findings that are ``fail`` or ``unknown``."""
    broken = [each for each in findings if each.verdict in ("fail", "unknown")]
    if broken:
        names = ", ".join(str(each.cell) for each in broken)
        raise PromiseBroken(f"not as promised: {names}", f"read {path / 'report.html'}")
