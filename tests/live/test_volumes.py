from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from orchlab import credentials, results
from orchlab.conclusion import conclude
from orchlab.experiments.canary import holds
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.measuring import measure_once
from orchlab.platforms.base import Platform, Release, StoreCrash
from orchlab.records import Cell, Finding


@pytest.mark.question("recreate")
def test_data_survive_a_new_redis_container(answer: Callable[[], Finding]) -> None:
    """Every acknowledged write is still there after the Redis container is replaced."""
    finding = answer()
    assert finding.verdict == "pass", finding
    assert finding.values["read"] == finding.values["written"]


@pytest.mark.question("ledger")
def test_acknowledged_writes_survive_a_killed_redis(
    platform: Platform, answer: Callable[[], Finding]
) -> None:
    """With fsync always, the counter holds all that concurrent writers were told."""
    assert isinstance(platform, StoreCrash)
    assert platform.ask_store("CONFIG SET appendfsync always") == ["OK"]
    finding = answer()
    assert finding.verdict == "pass", finding
    assert finding.values["fsync"] == "always"
    assert finding.values["acknowledged"] > 0
    assert finding.values["lost"] == 0


@pytest.mark.question("ledger")
def test_what_fsync_once_a_second_may_lose_is_reported(
    platform: Platform, answer: Callable[[], Finding]
) -> None:
    """With everysec, a finding says how long an acknowledged write waits for the disk."""
    assert isinstance(platform, StoreCrash)
    assert platform.ask_store("CONFIG SET appendfsync everysec") == ["OK"]
    finding = answer()
    assert finding.verdict in ("pass", "limit"), finding
    assert finding.values["fsync"] == "everysec"
    assert finding.values["synced_after_s"] > 0.1, "the disk is behind the answer"
    assert str(finding.values["power_loss"]).startswith("the last ")


@pytest.mark.question("node-data")
@pytest.mark.only("swarm", "k8s")
def test_data_survive_the_node_that_they_are_on(answer: Callable[[], Finding]) -> None:
    """Redis waits for its node, and finds every acknowledged write there."""
    finding = answer()
    assert finding.verdict == "pass", finding
    assert finding.values["redis_on"] == "the same node"


@pytest.mark.question("mounts")
def test_files_are_injected_and_only_volumes_take_others(answer: Callable[[], Finding]) -> None:
    """Configuration and secret are there and cannot be changed; the root takes no file."""
    finding = answer()
    assert finding.verdict == "pass", finding


@pytest.mark.question("canary")
def test_the_api_key_is_in_its_file_alone(
    platform: Platform, release: Release, repetition: int, tmp_path: Path
) -> None:
    """Not in a description, an environment, a log, the image or its history, nor in the report."""
    cell = Cell(platform.name, release.variant, "canary", repetition)
    run = results.open_run(tmp_path, {"cells": [asdict(cell)]})
    finding = measure_once(EXPERIMENTS["canary"](), platform, release, run, repetition)
    assert finding.verdict == "pass", finding
    run.save_facts(platform.name, release.variant, platform.facts())
    conclude(run.path)
    left = [each for each in run.path.rglob("*") if each.is_file()]
    wanted = {f"canary-{repetition}.jsonl", "facts.json", "findings.json", "report.html"}
    assert wanted <= {each.name for each in left}
    key = credentials.api_key_file().read_bytes().strip()
    assert [each for each in left if holds([each.read_bytes()], key)] == []
