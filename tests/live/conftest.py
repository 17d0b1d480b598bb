"""The plugin's ``platform`` brings up each platform once; every live test runs on all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from orchlab import engine, sweep
from orchlab.engine import private
from orchlab.experiments import base
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.images.store import ImageStore
from orchlab.measuring import measure_once
from orchlab.platforms.base import Platform, Release
from orchlab.records import Finding
from orchlab.results import RunDir
from orchlab.testing.lab import Lab
from orchlab.testing.probing import Probing
from orchlab.testing.selection import platform_of
from tests import questions
from tests.live import beside, commands
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
    config.addinivalue_line(
        "markers", "question(experiment): what --profile may leave out or repeat"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that is marked ``only("k8s")`` is not asked of the other platforms."""
    items[:] = [item for item in items if _wanted(item)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A question is asked as often as the profile has it."""
    questions.repeat(metafunc.config.getoption("profile"), metafunc)


def _wanted(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("only")
    return mark is None or platform_of(item) in ("", *mark.args)


@pytest.fixture(scope="session", autouse=True)
def _built_ahead(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """What the tests of Kubernetes will need, if there are any, is built from the start."""
    if not any(_asks_kubernetes(item) for item in request.session.items):
        yield
        return
    request.getfixturevalue("orchlab_images")  # now there is an engine
    policy = request.config.getoption("orchlab_images")
    printed = tmp_path_factory.mktemp("ahead") / "printed"
    with beside.running("tests.live.ahead", policy, printed=printed):
        yield


def _asks_kubernetes(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents and platform_of(item) == "k8s"


@pytest.fixture(scope="session")
def images(orchlab_images: ImageStore) -> ImageStore:
    """The image store on a running engine."""
    return orchlab_images


@pytest.fixture
def lab() -> Iterator[None]:
    """A lab with nothing in it, before and after, whatever a test does to the engine."""
    engine.ensure()
    sweep.sweep(commands.LAB)
    yield
    engine.ensure()
    sweep.sweep(commands.LAB)


@pytest.fixture
def release(platform: Platform, _orchlab: Lab) -> Release:
    """Three replicas of the app as it stands in the checkout: what ``platform`` runs."""
    return _orchlab.release(platform)


@pytest.fixture
def repetition() -> int:
    """The first and only, unless the profile asks more often."""
    return 1


@pytest.fixture
def answer(  # noqa: PLR0913, PLR0917 - fixtures
    request: pytest.FixtureRequest,
    platform: Platform,
    release: Release,
    repetition: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], Finding]:
    """Carry out the experiment of the test's ``question`` and judge it, as ``invoke compare`` does.

    Without its wait of a random length, which only matters to who compares times.
    """
    monkeypatch.setattr(base, "PHASE", 0.0)
    experiment = EXPERIMENTS[questions.asked(request.node)]()

    def ask() -> Finding:
        return measure_once(experiment, platform, release, RunDir(tmp_path), repetition)

    return ask


@pytest.fixture
def no_loss(platform: Platform, prober: Callable[..., AbstractContextManager[Probing]]) -> NoLoss:
    """A block under load, in which no request may fail, whatever node it enters by.

    ``without``: a node that takes none, since the block takes it away.
    """

    @contextmanager
    def block(without: str = "") -> Iterator[None]:
        entries = [each for each in platform.endpoints() if each.node != without]
        with prober(entries, path="/whoami") as seen:
            yield
        assert seen.samples
        assert [each for each in seen.samples if each.outcome != "ok"] == [], str(seen)

    return block
