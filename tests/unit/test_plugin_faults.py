"""What ``fault`` breaks is mended, and what failed is explained."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from orchlab import paths
from orchlab.images.store import Image
from orchlab.metrics import Tally
from orchlab.platforms.base import Replica
from orchlab.platforms.registry import PLATFORMS
from orchlab.records import Sample
from orchlab.testing import failed, selection
from orchlab.testing.faults import Fault
from orchlab.testing.images import for_nodes
from orchlab.testing.probing import Probing

REPLICA = Replica("web", "1", "node", ready=True)


class Machines:
    """A test double with nodes and replicas, which notes what is done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.lives = 1

    def replicas(self) -> list[Replica]:
        return [Replica("web", str(self.lives), "node", ready=True)]

    def crash(self, replica: Replica) -> None:
        self.done.append(f"crash {replica.id}")

    def heal(self) -> None:
        self.lives += 1
        self.done.append("heal")

    def stop(self, node: str) -> None:
        self.done.append(f"stop {node}")

    def start(self, node: str) -> None:
        self.done.append(f"start {node}")

    def cut(self, node: str) -> None:
        self.done.append(f"cut {node}")

    def mend(self) -> None:
        self.done.append("mend")

    def forget_attempts(self) -> None:
        self.done.append("forget")


def test_faults_are_mended_the_last_one_first() -> None:
    """A node that was cut off before it was stopped must run before its filter can go."""
    machines, fault = Machines(), Fault()
    fault.cut(machines, "one")
    fault.stop(machines, "one")
    fault.restore()
    fault.restore()
    assert machines.done == ["cut one", "stop one", "start one", "forget", "mend", "forget"]


def test_a_crashed_replica_is_back_when_another_one_is_ready() -> None:
    """The one that crashed does not count, although it may be listed as ready for a moment."""
    machines, fault = Machines(), Fault()
    fault.crash(machines, REPLICA)
    fault.restore()
    assert machines.done == ["crash 1", "heal"]
    assert machines.lives == 2


def test_a_fault_that_the_target_does_not_have_skips_the_test() -> None:
    """Compose has no node to lose: that is no failure of whoever asks."""
    with pytest.raises(pytest.skip.Exception, match="unsupported: object has no loss of a node"):
        Fault().stop(object(), "one")


class Talkative:
    """A test double that has logs, and breaks while it writes them if it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def collect_logs(self, into: Path) -> None:
        into.mkdir(parents=True)
        (into / "web.log").write_text("".join(f"line {n}\n" for n in range(100)))
        (into / "events.txt").write_text("die\n")
        if self.error:
            raise self.error


def test_a_failure_shows_events_and_the_ends_of_logs(tmp_path: Path) -> None:
    """Of what the test used; the rest is in files that it names."""
    used = {"stack": Talkative(), "tmp_path": tmp_path}
    ((title, text),) = failed.sections(used, tmp_path)
    assert title == "orchlab: stack"
    first = [f"all logs: {tmp_path / 'stack'}", "--- events.txt, 1 lines", "die"]
    assert text.splitlines()[:3] == first
    assert text.endswith("line 98\nline 99")
    assert "line 84" not in text


def test_what_several_fixtures_hand_out_is_shown_once(tmp_path: Path) -> None:
    """A test's own fixture is often the platform by another name."""
    platform = Talkative()
    (shown,) = failed.sections({"platform": platform, "cluster": platform}, tmp_path)
    assert shown[0] == "orchlab: cluster"


def test_logs_that_cannot_be_had_do_not_hide_the_failure(tmp_path: Path) -> None:
    """What was written until then is shown."""
    text = failed.collect(Talkative(OSError("gone")), tmp_path / "logs")
    assert text.startswith("not all logs could be had: OSError('gone')")
    assert "line 99" in text


def test_what_cannot_be_brought_up_is_explained_too(tmp_path: Path) -> None:
    """The error stays what it is, with a note."""
    with (
        pytest.raises(ValueError, match="no") as caught,
        failed.explained("swarm", Talkative(), tmp_path),
    ):
        raise ValueError("no")
    assert "line 99" in caught.value.__notes__[0]


class Nodes:
    """A test double of a platform: its engine has one image."""

    def __init__(self) -> None:
        self.images = self.registry = self
        self.published: list[str] = []

    def present(self, reference: str) -> Image | None:
        return Image(reference, "sha256:1") if reference == "mine:latest" else None

    def publish(self, image: Image) -> None:
        self.published.append(image.reference)

    def reference(self, image: Image) -> str:
        return f"registry:5000/{image.reference}"


@pytest.mark.parametrize(
    ("given", "pulled"),
    [
        ("mine", "registry:5000/mine:latest"),
        ("mine:latest", "registry:5000/mine:latest"),
        ("host:5000/mine", "host:5000/mine"),
    ],
)
def test_nodes_get_what_this_engine_has(given: str, pulled: str) -> None:
    """Anything else they pull themselves."""
    nodes = Nodes()
    assert for_nodes(nodes, given) == pulled
    assert bool(nodes.published) == (given != pulled)


class Item:
    """A test double of a test with a parameter, which may be anything."""

    def __init__(self, platform: object) -> None:
        self.callspec = SimpleNamespace(params={"platform": platform})


def test_platforms_that_are_not_wanted_are_left_out() -> None:
    """A parameter of the same name with other values is somebody's own."""
    items = [Item("compose"), Item("k8s"), Item("linux"), Item({"not": "hashable"}), object()]
    assert selection.left_out("", items) == []
    assert selection.left_out("swarm, compose", items) == [items[1]]
    with pytest.raises(pytest.UsageError, match="unknown platform nomad; valid names: compose"):
        selection.left_out("nomad", items)


def test_the_names_are_those_of_the_platforms() -> None:
    """They are written twice, so that pytest starts without the lab."""
    assert tuple(PLATFORMS) == selection.NAMES


class Rows:
    """A test double of a prober that has seen these samples."""

    def __init__(self, *samples: Sample) -> None:
        self._samples = samples

    def samples(self) -> list[Sample]:
        return list(self._samples)


def test_probing_counts_what_reached_the_endpoints_alone() -> None:
    """The control tells whether the bench was fine, and is no request of theirs."""
    ok = Sample("new", "a", 0, 0, 1_000_000, "ok")
    lost = Sample("new", "a", 10_000_000, 10_000_000, 11_000_000, "fail")
    seen = Probing(Rows(ok, lost, Sample("control", "control", 0, 0, 1, "ok")))
    assert (seen.failed, seen.tally, seen.void) == (1, Tally(1, 2), [])
    assert str(seen).startswith("failed 1/2; longest blackout >= 0.00 s")
    assert Probing(Rows(ok)).void == ["the control server was not probed"]


def test_the_lab_lives_beside_the_package_or_in_it(tmp_path: Path) -> None:
    """The checkout has it at the top, the wheel below ``orchlab/data``."""
    package = tmp_path / "orchlab"
    package.mkdir()
    assert paths.data(package) == tmp_path
    (package / "data").mkdir()
    assert paths.data(package) == package / "data"


@pytest.mark.parametrize(
    "example", sorted((paths.ROOT / "docs" / "examples").glob("*.*")), ids=lambda path: path.name
)
def test_the_page_shows_the_examples_as_they_run(example: Path) -> None:
    """Each file stands in the page as it is; the live tests execute them."""
    page = (paths.ROOT / "docs" / "pytest-plugin.md").read_text()
    language = "yaml" if example.suffix == ".yaml" else "python"
    assert f"```{language}\n{example.read_text()}```" in page
