"""The plugin as somebody installs it: from its wheel, outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchlab import paths
from orchlab.images.fingerprint import of_tree

FIXTURES = ("compose_stack", "swarm_cluster", "kind_cluster_lab", "platform", "prober", "fault")
CONFTEST = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--keep", default="none", help="theirs")

@pytest.fixture(params=["compose", {"not": "hashable"}], ids=["word", "dict"])
def platform(request):
    return request.param
"""
SUITE = """
import os, sys
from pathlib import Path

import orchlab.paths

def test_theirs(platform, pytestconfig):
    assert pytestconfig.getoption("--keep") == "all"
    assert "ORCHLAB_LAB" not in os.environ
    assert "docker" not in sys.modules

def test_ours():
    for path in (orchlab.paths.APP, orchlab.paths.K8S, orchlab.paths.STACKS):
        assert path.is_dir()
        assert Path(os.environ["PYTHONPATH"]) in path.parents
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel of this checkout is installed, alone."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=paths.ROOT, check=True, capture_output=True)
    (wheel,) = directory.glob("*.whl")
    site = directory / "site"
    flags = ["--no-deps", "--no-index", "--no-compile", "--quiet", f"--target={site}"]
    subprocess.run([sys.executable, "-m", "pip", "install", *flags, str(wheel)], check=True)
    return site


@pytest.fixture
def suite(installed: Path, tmp_path: Path) -> Callable[..., str]:
    """What pytest prints in somebody's directory, where every warning is an error."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_theirs.py").write_text(SUITE)
    environment = {key: value for key, value in os.environ.items() if key != "ORCHLAB_LAB"}

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *words],
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": str(installed)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("name", ["app", "k8s", "stacks"])
def test_what_the_lab_deploys_travels_in_the_wheel(installed: Path, name: str) -> None:
    """Every file of it, byte for byte, so that the app's image has the same tag."""
    assert of_tree(installed / "orchlab" / "data" / name) == of_tree(paths.ROOT / name)


def test_what_images_are_built_from_travels_in_the_wheel(installed: Path) -> None:
    """Dockerfiles, Go modules and the page's templates are part of the package."""
    for name in ("images", "report/templates", "schema", "uml/guest"):
        assert of_tree(installed / "orchlab" / name) == of_tree(paths.PACKAGE / name)


def test_a_suite_of_somebodys_own_is_not_disturbed(suite: Callable[..., str]) -> None:
    """Their option and their fixture of the same names win, and nothing of the lab is imported."""
    assert "3 passed" in suite("--keep=all")


def test_the_fixtures_are_listed_with_what_they_do(suite: Callable[..., str]) -> None:
    """``pytest --fixtures`` says where each comes from and shows its docstring."""
    listing = suite("--fixtures")
    for name in FIXTURES:
        if name != "platform":  # there is one of theirs
            assert f"\n{name} " in listing
    assert listing.count("orchlab/pytest_plugin.py") >= len(FIXTURES) - 1
    assert "no docstring available" not in listing.partition("orchlab.pytest_plugin")[2]


def test_the_options_say_whose_they_are(suite: Callable[..., str]) -> None:
    """They are one group in the help; the short ``--keep`` is there when nobody else has it."""
    group = suite("--help").partition("\norchlab:\n")[2].partition("\n\n")[0]
    assert "--orchlab-platforms" in group
    assert "--keep" not in group.replace("--orchlab-keep", "")
