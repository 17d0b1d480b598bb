"""The lab as a pytest plugin: somebody's Compose, Swarm and Kubernetes files under test.

``docs/pytest-plugin.md`` shows how. Nothing else of the lab is imported before a fixture
asks for it, so a suite that uses none pays nothing.
"""

from __future__ import annotations

from argparse import ArgumentError
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchlab.testing import selection

if TYPE_CHECKING:
    from orchlab.images.store import ImageStore
    from orchlab.platforms.base import Platform
    from orchlab.testing.compose import ComposeStack
    from orchlab.testing.faults import Fault
    from orchlab.testing.kind import KindLab
    from orchlab.testing.lab import Lab
    from orchlab.testing.probing import Probing
    from orchlab.testing.swarm import SwarmCluster

KEEP = "leave up what the tests of orchlab's fixtures brought up"
LAB = pytest.StashKey["Lab"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options whose names nobody else has."""
    group = parser.getgroup("orchlab")
    group.addoption("--orchlab-keep", action="store_true", dest="orchlab_keep", help=KEEP)
    group.addoption(
        "--orchlab-platforms",
        default="",
        dest="orchlab_platforms",
        help="comma-separated platforms for tests that take `platform` (default: all)",
    )
    group.addoption(
        "--orchlab-images",
        default="auto",
        dest="orchlab_images",
        help="auto: pull where an image registry answers, else build; pull; build",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Iterator[None]:
    """The short name is offered last: a suite that has a ``--keep`` of its own keeps it."""
    yield
    with suppress(ArgumentError, ValueError):
        parser.getgroup("orchlab").addoption(
            "--keep", action="store_true", dest="orchlab_keep", help=KEEP
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the platforms that are not wanted."""
    left_out = selection.left_out(config.getoption("orchlab_platforms"), items)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure stand logs and events of what the test used, and what to do."""
    report = yield
    if report.failed:
        from orchlab.errors import OrchlabError

        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, OrchlabError) and error.hint:
            report.sections.append(("orchlab: what to do", error.hint))
        report.sections += _attached(item, call.when)
    return report


def _attached(item: pytest.Item, when: str) -> list[tuple[str, str]]:
    if (lab := item.config.stash.get(LAB, None)) is None:
        return []
    from orchlab.testing import failed

    return list(failed.sections(getattr(item, "funcargs", {}), lab.logs / f"{item.name}-{when}"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left up."""
    lab = config.stash.get(LAB, None)
    if lab and lab.keep:
        from orchlab import labels

        text = f"orchlab: lab {labels.LAB} is left up; the same tests without --keep remove it"
        terminalreporter.write_line(text, yellow=True)


@pytest.fixture(scope="session")
def _orchlab(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """What this session's tests share."""
    from orchlab.testing.lab import Lab

    lab = Lab(
        pytestconfig.getoption("orchlab_images"),
        tmp_path_factory.mktemp("orchlab-logs"),
        keep=pytestconfig.getoption("orchlab_keep"),
    )
    pytestconfig.stash[LAB] = lab
    return lab


@pytest.fixture(scope="session")
def orchlab_images(_orchlab: Lab) -> ImageStore:
    """The lab's images, pulled or built: ``ensure("redis").reference``, ``app()``."""
    return _orchlab.images


@pytest.fixture(scope="session")
def compose_stack(_orchlab: Lab) -> Callable[[Path], AbstractContextManager[ComposeStack]]:
    """Your Compose file, up and healthy for a block.

    ``with compose_stack(path) as stack``; then ``stack.endpoints(service, port)``,
    ``replicas(service)``, ``exec``, ``containers``, ``compose(*argv)``. The block's end
    removes containers, networks and volumes.
    """
    from orchlab.testing import compose

    return partial(compose.up, _orchlab)


@pytest.fixture(scope="session")
def swarm_cluster(_orchlab: Lab) -> Iterator[SwarmCluster]:
    """A Docker Swarm of one manager and two workers, once per session.

    ``with swarm_cluster.deploy(path) as stack`` deploys your stack file; ``nodes()``,
    ``endpoints()`` (each node's port 8080), ``client(node)`` for a Docker client of a
    node's engine, ``docker(*argv)`` on the manager.
    """
    from orchlab.testing import swarm

    with swarm.cluster(_orchlab) as made:
        yield made


@pytest.fixture(scope="session")
def kind_cluster_lab(_orchlab: Lab) -> Iterator[KindLab]:
    """A Kubernetes cluster of three nodes, made by kind, once per session.

    ``with kind_cluster_lab.deploy(path) as stack`` applies your manifests in a namespace
    of their own; ``kubectl(*argv)``, ``kubeconfig``, ``nodes()``, ``endpoints()`` (each
    node's NodePort 30080).
    """
    from orchlab.testing import kind

    with kind.cluster(_orchlab) as made:
        yield made


@pytest.fixture(scope="session", params=selection.NAMES)
def platform(request: pytest.FixtureRequest, _orchlab: Lab) -> Iterator[Platform]:
    """The lab's own app on each orchestrator in turn, three replicas in steady state.

    ``--orchlab-platforms`` leaves some out; so does, for one test,
    ``@pytest.mark.parametrize("platform", ["swarm", "k8s"], indirect=True)``.
    """
    with _orchlab.deployed(request.param) as made:
        yield made


@pytest.fixture
def prober(tmp_path: Path) -> Callable[..., AbstractContextManager[Probing]]:
    """Send requests on a fixed schedule, as clients would.

    ``with prober(endpoints, path="/", rate=50) as seen``; ``rate``: requests per
    second, on new and on kept-alive connections each. Afterwards ``seen.failed``, ``tally``,
    ``blackout``, ``disturbed_s``, ``samples``, and ``void``: why the measurement proves
    nothing, empty when it does.
    """
    from orchlab.testing.probing import probing

    return partial(probing, tmp_path / "samples.jsonl")


@pytest.fixture
def fault() -> Iterator[Fault]:
    """Break a platform, stack or cluster; all is mended when the test ends.

    ``fault.crash(target, replica)``, ``hang(target, replica)``, ``stop(target, node)``,
    ``cut(target, node)``; ``restore()`` mends at once.
    """
    from orchlab.testing.faults import Fault

    made = Fault()
    yield made
    made.restore()
