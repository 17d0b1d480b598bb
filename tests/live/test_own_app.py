"""Somebody's app in place of the lab's: a Go program in an image with nothing else in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from orchlab import app_file
from orchlab.experiments.base import Bench
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.lifecycle import image_store
from orchlab.measuring import measure_once
from orchlab.paths import ROOT
from orchlab.platforms import serving
from orchlab.platforms.base import Platform, Release, ReplicaFaults
from orchlab.platforms.registry import PLATFORMS
from orchlab.results import RunDir

APP = app_file.read(str(ROOT / "tests" / "own" / "app.yaml"))


@pytest.fixture
def own(platform: Platform, release: Release, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The example on the nodes that are there; the lab's own app again afterwards."""
    images = image_store(request.config.getoption("--images"), APP)
    made = PLATFORMS[platform.name](images)
    theirs = Release(images.app(), 2, release.variant)
    try:
        made.publish(theirs.image)
        made.deploy(theirs)
        yield Bench(made, theirs, lambda _: None, lambda: pytest.fail("nothing is probed here"))
    finally:
        platform.deploy(release)


def test_an_app_of_somebody_serves_and_heals(own: Bench, tmp_path: Path) -> None:
    """Met through every entry, healed without a shell inside; the rest is unsupported."""
    for endpoint in own.platform.endpoints():
        said = json.loads(serving.get(endpoint.url, "/whoami") or "")
        assert said["greeting"] == "good day"
        assert said["starts"] >= 1
        assert said["hostname"] in {each.name for each in own.ready()}
    victim = own.ready()[0]
    cast("ReplicaFaults", own.platform).crash(victim)
    assert own.ready(lambda each: each.id == victim.id)
    recreate = EXPERIMENTS["recreate"]()
    answer = measure_once(recreate, own.platform, own.release, RunDir(tmp_path))
    assert answer.verdict == "unsupported"
    assert answer.summary == "the app hello is not known to have the counter (/count)"
