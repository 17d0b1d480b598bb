"""The runner with a test double of a platform: no engine, no requests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from orchlab import host, measuring, paths, results, runner, session
from orchlab.apps import LABS_OWN, App
from orchlab.errors import OrchlabError, Unanswered, UnknownName, UsageError
from orchlab.experiments.base import Experiment
from orchlab.images.store import Image
from orchlab.platforms.base import Endpoint, Facts, Release, Replica
from orchlab.prober.rows import append
from orchlab.profiles import Profile
from orchlab.records import Cell, Event, Finding
from orchlab.results import RunDir


class FakeImages:
    def __init__(self, subject: App = LABS_OWN) -> None:
        self.subject = subject

    def app(self, version: str = "1") -> Image:
        return Image(f"orchlab/app:{version}", version)


class FakePlatform:
    """A platform without faults: `recreate` and `crash` are unsupported on it."""

    name = "fake"
    variants = ("defaults",)

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.images = FakeImages()
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.broken:
            raise OrchlabError(f"{name} broke")

    def prepare(self) -> None:
        self._call("prepare")

    def create(self) -> None:
        self._call("create")

    def publish(self, image: Image) -> None:
        self._call(f"publish {image.reference}")

    def deploy(self, release: Release) -> None:
        self._call("deploy")

    def replicas(self) -> list[Replica]:
        return []

    def endpoints(self) -> list[Endpoint]:
        return []

    def exec(self, replica: Replica, *argv: str) -> str:
        return ""

    def facts(self) -> Facts:
        return Facts({"fake": "1"}, "nowhere")

    def collect_logs(self, into: Path) -> None:
        self._call("collect_logs")

    def undeploy(self) -> None:
        self._call("undeploy")

    def delete(self) -> None:
        self._call("delete")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakePlatform:
    platform = FakePlatform()
    monkeypatch.setattr(paths, "RESULTS", tmp_path)
    monkeypatch.setattr(runner.engine, "ensure", lambda: None)
    monkeypatch.setattr(session.sweep, "leftover", lambda _lab: None)
    monkeypatch.setattr(session.sweep, "sweep", lambda *_: platform.calls.append("sweep"))
    monkeypatch.setattr(runner, "image_store", lambda _policy, app: FakeImages(app))

    def make(images: FakeImages) -> FakePlatform:
        platform.images = images
        return platform

    monkeypatch.setattr(runner, "PLATFORMS", {"fake": make})
    return platform


def findings() -> dict[str, Finding]:
    run = results.load(results.latest(paths.RESULTS))
    return {each.experiment: each for each in run.findings}


def test_a_missing_capability_is_a_finding(fake: FakePlatform) -> None:
    """What a platform cannot do is answered with the reason, not left out."""
    runner.compare("quick", "", "recreate,crash", "auto", keep=False)
    found = findings()
    assert {each.verdict for each in found.values()} == {"unsupported"}
    assert found["crash"].summary == "fake lacks ReplicaFaults"
    assert fake.calls[-2:] == ["collect_logs", "delete"]


def test_a_capability_that_is_refused_is_a_finding_with_the_reason(
    fake: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster of somebody's."""
    monkeypatch.setattr(FakePlatform, "refusal", "it is yours", raising=False)
    runner.compare("quick", "", "crash", "auto", keep=False)
    assert findings()["crash"].summary == "fake lacks ReplicaFaults: it is yours"


def test_a_platform_of_somebody_s_takes_the_place_of_the_lab_s(fake: FakePlatform) -> None:
    """Under the same name, so that tables and pages can be compared."""
    theirs = FakePlatform()
    runner.compare(
        "quick", "fake", "crash", "auto", keep=False, elsewhere={"fake": lambda _: theirs}
    )
    assert "deploy" in theirs.calls
    assert fake.calls == []


THEIRS = App(name="theirs", image="theirs:1", port=80, health="/up")


def test_what_somebody_s_app_cannot_be_asked_is_a_finding(fake: FakePlatform) -> None:
    """The platform's own lacks come first: no other app would help."""
    runner.compare("quick", "", "balance,mounts,crash", "auto", keep=False, app=THEIRS)
    found = {name: (each.verdict, each.summary) for name, each in findings().items()}
    lacks = "the app theirs is not known to have"
    assert found == {
        "balance": ("unsupported", f"{lacks} an identity path"),
        "mounts": ("unsupported", f"{lacks} Python and a shell in its image"),
        "crash": ("unsupported", "fake lacks ReplicaFaults"),
    }


def test_a_run_of_somebody_s_app_goes_on_with_that_app(
    fake: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan has it; the file is not read again."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(fake, "create", interrupt)
        with pytest.raises(KeyboardInterrupt):
            runner.compare("quick", "", "balance", "auto", keep=False, app=THEIRS)
    fake.images = FakeImages()
    runner.resume("", keep=False)
    assert fake.images.subject == THEIRS
    assert findings()["balance"].summary.startswith("the app theirs")


def test_every_step_is_timed(fake: FakePlatform) -> None:
    """Creation, publication, deployment and deletion leave their durations."""
    runner.compare("quick", "", "crash", "auto", keep=False)
    timings = results.load(results.latest(paths.RESULTS)).timings["fake"]
    expected = ["images", "create", "publish", "publish a changed app", "deploy defaults", "delete"]
    assert list(timings) == expected
    assert fake.calls[:2] == ["prepare", "create"]


def test_what_a_broken_experiment_left_behind_does_not_meet_the_next(
    fake: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets replicas that are deployed anew."""

    def breaks() -> list[Endpoint]:
        raise OrchlabError("no entry")

    monkeypatch.setattr(fake, "endpoints", breaks)
    with pytest.raises(Unanswered):
        runner.compare("quick", "", "control,crash", "auto", keep=False)
    assert [call for call in fake.calls if call.endswith("deploy")] == ["undeploy", "deploy"] * 2


def test_a_run_says_how_far_it_has_come(
    fake: FakePlatform, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step has its number among all of the plan."""
    runner.compare("quick", "", "crash,recreate", "auto", keep=False)
    said = capsys.readouterr().err
    assert "1/2 fake/defaults/crash" in said
    assert "2/2 fake/defaults/recreate" in said


def test_keep_leaves_the_platform_up(fake: FakePlatform) -> None:
    """With --keep nothing is deleted."""
    runner.compare("quick", "", "crash", "auto", keep=True)
    assert "delete" not in fake.calls


@pytest.mark.parametrize("step", ["create", "deploy"])
def test_a_broken_platform_is_unknown_and_removed(fake: FakePlatform, step: str) -> None:
    """A platform that fails leaves unknown findings, its traceback and nothing running."""
    fake.broken = step
    with pytest.raises(Unanswered):
        runner.compare("quick", "", "crash", "auto", keep=False)
    assert findings()["crash"].verdict == "unknown"
    assert (results.latest(paths.RESULTS) / "fake" / "broken.txt").read_text()
    assert fake.calls[-1] == "delete"


def test_an_interrupted_run_says_so_and_tears_down(
    fake: FakePlatform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends the run as interrupted, with its platform removed and a way to go on."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fake, "create", interrupt)
    with pytest.raises(KeyboardInterrupt):
        runner.compare("quick", "", "crash", "auto", keep=False)
    run = results.latest(paths.RESULTS)
    assert results.load(run).state == "interrupted"
    assert fake.calls[-2:] == ["delete", "sweep"]
    assert f"invoke compare --resume {run}" in capsys.readouterr().err


@pytest.fixture
def interrupted(fake: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that was stopped in the second of its three experiments, `crash`."""
    done = session.measure_once

    def measure(experiment: Experiment, *args: object) -> Finding:
        if experiment.name == "crash":
            raise KeyboardInterrupt
        return done(experiment, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(session, "measure_once", measure)
        with pytest.raises(KeyboardInterrupt):
            runner.compare("quick", "", "recreate,crash,ledger", "auto", keep=False)
    fake.calls.clear()
    return results.latest(paths.RESULTS)


def test_a_run_goes_on_where_it_stopped(interrupted: Path, fake: FakePlatform) -> None:
    """What is complete stays as it is; the rest is carried out, on a new deployment."""
    kept = RunDir(interrupted).history(Cell("fake", "defaults", "recreate"))
    before = kept.read_text()
    runner.resume(str(interrupted), keep=False)
    run = results.load(interrupted)
    assert run.state == "complete"
    assert {each.experiment: each.verdict for each in run.findings} == dict.fromkeys(
        ("recreate", "crash", "ledger"), "unsupported"
    )
    assert kept.read_text() == before
    assert fake.calls.count("deploy") == 1


def test_what_was_cut_off_is_carried_out_anew(interrupted: Path) -> None:
    """The rows of the attempt that has no end stay beside it."""
    cut = RunDir(interrupted).history(Cell("fake", "defaults", "crash"))
    append(cut, Event(1, "started"))
    runner.resume("", keep=False)
    assert cut.with_suffix(".void-1").exists()
    assert results.load_history(cut).first("unsupported")


def test_a_run_that_is_complete_is_only_judged_again(interrupted: Path, fake: FakePlatform) -> None:
    """Nothing is left to do."""
    runner.resume("", keep=False)
    fake.calls.clear()
    runner.resume("", keep=False)
    assert fake.calls == []


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        ("source", {"commit": "another", "dirty": False}),
        ("describe", {"kernel": "another"}),
        ("boot", "another"),
        ("version", "another"),
    ],
)
def test_a_run_does_not_go_on_elsewhere(
    interrupted: Path,
    fake: FakePlatform,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    answer: object,
) -> None:
    """Another commit, machine or start of it is refused, with the reason."""
    monkeypatch.setattr(host, what, lambda: answer)
    with pytest.raises(UsageError, match="another"):
        runner.resume(str(interrupted), keep=False)
    assert fake.calls == []


@pytest.fixture
def pair(fake: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> tuple[FakePlatform, FakePlatform]:
    """Two platforms, whose lanes take turns in this process."""
    other = FakePlatform()
    other.name = "other"
    calls = other.calls = fake.calls  # of both, in order

    def run(path: Path, names: list[str]) -> None:
        for name in names:
            calls.append(f"lane {name}")
            runner.lane(path, name)

    short = Profile(("crash",), (), 1, beside=True)
    monkeypatch.setattr(runner, "PROFILES", {"short": short, "long": replace(short, beside=False)})
    monkeypatch.setattr(runner.lanes, "run", run)
    monkeypatch.setattr(runner, "PLATFORMS", {"fake": lambda _: fake, "other": lambda _: other})
    return fake, other


def test_a_quick_run_measures_platforms_beside_each_other(
    pair: tuple[FakePlatform, FakePlatform],
) -> None:
    """All are up before the first is measured, and until the last was; what is in force says so."""
    runner.compare("short", "fake,other", "", "auto", keep=False)
    run = results.load(results.latest(paths.RESULTS))
    assert {each.verdict for each in run.findings} == {"unsupported"}
    assert run.facts["fake", "defaults"].knobs == {session.BESIDE: f"other{session.AGAIN}"}
    calls = pair[0].calls
    measured = [number for number, call in enumerate(calls) if call.startswith("lane")]
    assert calls[: measured[0]].count("create") == 2
    assert "delete" not in calls[: measured[-1]]
    assert calls.count("deploy") == calls.count("delete") == 2
    assert "create" not in calls[measured[0] :]


@pytest.mark.parametrize(
    ("profile", "experiments", "elsewhere"),
    [("long", "", False), ("short", "crash", False), ("short", "", True)],
)
def test_other_runs_measure_one_platform_after_the_other(
    pair: tuple[FakePlatform, FakePlatform],
    profile: str,
    experiments: str,
    elsewhere: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Numbers for a claim, and questions that were chosen, are not to depend on a neighbour."""
    theirs = {"other": lambda _: pair[1]} if elsewhere else {}
    runner.compare(profile, "fake,other", experiments, "auto", keep=False, elsewhere=theirs)
    calls = pair[0].calls
    assert not [call for call in calls if call.startswith("lane")]
    assert [call for call in calls if call in ("create", "delete")] == ["create", "delete"] * 2


def test_a_platform_that_does_not_come_up_has_no_lane(
    pair: tuple[FakePlatform, FakePlatform],
) -> None:
    """The other one is measured; both are removed."""
    pair[1].broken = "create"
    with pytest.raises(Unanswered):
        runner.compare("short", "fake,other", "", "auto", keep=False)
    calls = pair[0].calls
    assert [call for call in calls if call.startswith("lane")] == ["lane fake"]
    assert calls.count("delete") == 2


@pytest.mark.parametrize("verdict", ["fail", "void", "breaks"])
def test_what_seems_broken_beside_others_is_asked_again_alone(
    pair: tuple[FakePlatform, FakePlatform], monkeypatch: pytest.MonkeyPatch, verdict: str
) -> None:
    """Once; its first rows are kept, and the second answer counts, whatever it is."""
    asked: list[tuple[str, bool]] = []
    answers = {"fake": iter((verdict, "fail")), "other": iter(("pass",))}

    def measure(
        experiment: Experiment,
        *where: Any,  # noqa: ANN401 - as it is called
        attempts: int = 3,
    ) -> Finding:
        platform, release, directory, repetition = where
        cell = Cell(platform.name, release.variant, experiment.name, repetition)
        asked.append((platform.name, attempts == 1))
        append(directory.history(cell), Event(1, "started"))
        answer = next(answers[platform.name])
        if answer == "breaks":
            raise OrchlabError("it broke")
        return Finding(cell.experiment, cell.platform, cell.variant, answer, "")  # type: ignore[arg-type]

    monkeypatch.setattr(session, "measure_once", measure)
    with pytest.raises(Unanswered):  # these rows say nothing
        runner.compare("short", "fake,other", "", "auto", keep=False)
    assert sorted(asked[:2]) == [("fake", True), ("other", True)]
    assert asked[2:] == [("fake", False)]
    rows = RunDir(results.latest(paths.RESULTS)).history(Cell("fake", "defaults", "crash"))
    assert rows.exists()
    assert rows.with_suffix(".void-1").exists()


def test_an_interrupt_among_lanes_removes_every_platform(
    pair: tuple[FakePlatform, FakePlatform], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the run can go on."""
    with monkeypatch.context() as patched:
        patched.setattr(runner.lanes, "run", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            runner.compare("short", "fake,other", "", "auto", keep=False)
    assert results.load(results.latest(paths.RESULTS)).state == "interrupted"
    assert pair[0].calls.count("delete") == 2
    runner.resume("", keep=False)
    assert results.load(results.latest(paths.RESULTS)).state == "complete"


def test_an_unknown_profile_is_answered_with_the_valid_ones(fake: FakePlatform) -> None:
    """Before anything starts."""
    with pytest.raises(UnknownName) as caught:
        runner.compare("slow", "", "", "auto", keep=False)
    assert caught.value.hint == "valid names: quick, standard, full"
    assert fake.calls == []


def test_an_experiment_that_breaks_is_unknown(fake: FakePlatform, tmp_path: Path) -> None:
    """An error inside an experiment is recorded in its history and passed on."""
    directory = RunDir(tmp_path)

    class Breaks:
        name = "breaks"
        row = "?"
        question = "?"
        variants = ("defaults",)
        needs = ()

        def run(self, bench: object) -> None:
            raise RuntimeError("boom")

        def judge(self, history: object) -> Finding:
            raise AssertionError("never asked")

    with pytest.raises(RuntimeError):
        measuring.measure_once(Breaks(), fake, Release(Image("x", "x")), directory)
    history = results.load_history(directory.history(Cell("fake", "defaults", "breaks")))
    assert history.all("broken")[0].subject == "RuntimeError: boom"
