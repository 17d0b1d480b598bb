"""One fixture brings up each platform once; every live test runs on all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchlab import engine, labels, paths, sweep
from orchlab.engine import private
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.images.store import ImageStore
from orchlab.lifecycle import image_store
from orchlab.measuring import measure_once
from orchlab.metrics import tally, void_reasons
from orchlab.names import pick
from orchlab.plan import recommended
from orchlab.platforms.base import Platform, Release
from orchlab.platforms.registry import PLATFORMS
from orchlab.prober import Prober, read_samples
from orchlab.records import Finding
from orchlab.results import RunDir
from tests.live import commands
from tests.live.replicas import NoLoss


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Beside a failure stands what a private engine said last."""
    report = yield
    if report.failed:
        report.sections.append(("the private engine's log", private.log_tail(20)))
    return report


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only(platform): what no other platform has")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that is marked ``only("k8s")`` is not asked of the other platforms."""
    items[:] = [item for item in items if _wanted(item)]


def _wanted(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("only")
    call = getattr(item, "callspec", None)
    return mark is None or call is None or call.params["platform"] in mark.args


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "platform" in metafunc.fixturenames:
        chosen = pick("platform", metafunc.config.getoption("--platforms"), PLATFORMS)
        metafunc.parametrize("platform", chosen, indirect=True, scope="session")


@pytest.fixture(scope="session")
def images(request: pytest.FixtureRequest) -> ImageStore:
    """The image store on a running engine."""
    store = image_store(request.config.getoption("--images"))
    engine.ensure()
    return store


@pytest.fixture
def lab() -> Iterator[None]:
    """A lab with nothing in it, before and after, whatever a test does to the engine."""
    engine.ensure()
    sweep.sweep(commands.LAB)
    yield
    engine.ensure()
    sweep.sweep(commands.LAB)


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest, images: ImageStore) -> Iterator[Platform]:
    """A platform with the recommended release in steady state."""
    made = PLATFORMS[request.param](images)
    release = _release(made, images)
    failures = request.session.testsfailed
    try:
        made.prepare()
        made.create()
        made.publish(release.image)
        made.deploy(release)
        yield made
    finally:
        if request.session.testsfailed > failures:
            made.collect_logs(paths.RESULTS / "failed-tests" / made.name)
        if not request.config.getoption("--keep"):
            made.delete()
            sweep.leftover(labels.LAB)


@pytest.fixture
def release(platform: Platform, images: ImageStore) -> Release:
    """Three replicas of the app as it stands in the checkout: what ``platform`` runs."""
    return _release(platform, images)


def _release(platform: Platform, images: ImageStore) -> Release:
    return Release(images.app(), variant=recommended(platform.variants))


@pytest.fixture
def answer(platform: Platform, release: Release, tmp_path: Path) -> Callable[[str], Finding]:
    """Carry out an experiment by name and judge it, as ``invoke compare`` does."""

    def ask(name: str) -> Finding:
        return measure_once(EXPERIMENTS[name](), platform, release, RunDir(tmp_path))

    return ask


@pytest.fixture
def no_loss(platform: Platform, tmp_path: Path) -> NoLoss:
    """A block under load, in which no request may fail, whatever node it enters by.

    ``without``: a node that takes none, since the block takes it away.
    """

    @contextmanager
    def block(without: str = "") -> Iterator[None]:
        rows = tmp_path / "samples.jsonl"
        rows.unlink(missing_ok=True)
        with Prober([each for each in platform.endpoints() if each.node != without], rows):
            yield
        samples = read_samples(rows)
        asked = [each for each in samples if each.series != "control"]
        lost = [each for each in asked if each.outcome != "ok"]
        assert asked
        assert lost == [], f"{tally(asked)}; {void_reasons(samples) or 'the bench was fine'}"

    return block
