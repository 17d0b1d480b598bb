"""The guest as the host sees it: image, boot, and what is read afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock, create_autospec

import pytest
from docker.errors import APIError

from orchlab import labels, paths, shell, sweep
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.recipes import Dockerfile
from orchlab.images.store import Image, ImageStore
from orchlab.prober import rows
from orchlab.records import Event, Sample
from orchlab.uml import machine, mesh

REQUEST = Sample("new", "vip", 1, 2, 3, "ok", 200, "", "web.1", "1")


@pytest.fixture
def store() -> Mock:
    """An engine that has two older images of the guest."""
    images = create_autospec(ImageStore, instance=True)
    images.client = Mock()
    images.client.images.list.return_value = [Mock(tags=["orchlab/uml:old"]), Mock(tags=[])]
    images.require.side_effect = lambda reference: Image(reference, "sha256:1")
    return images


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Mock:
    built = Mock()
    monkeypatch.setattr(Dockerfile, "build", built)
    return built


@pytest.mark.parametrize(("name", "runs"), [("x86_64", True), ("AMD64", True), ("aarch64", False)])
def test_only_one_architecture_can_run_it(name: str, *, runs: bool) -> None:
    """On another one the reason names it."""
    assert (machine.obstacle(name) == "") is runs
    assert runs or name in machine.obstacle(name)


def test_a_present_image_is_not_built_again(store: Mock, build: Mock) -> None:
    """Its tag says what it was built from."""
    found = machine.image(store)
    assert found.reference == f"orchlab/uml:{machine.RECIPE.fingerprint()}"
    build.assert_not_called()


def test_a_new_image_takes_the_place_of_older_ones(store: Mock, build: Mock) -> None:
    """Those of this lab; one that is in use stays."""
    store.present.return_value = None
    store.client.images.remove.side_effect = APIError("in use")
    made = machine.image(store)
    build.assert_called_once_with(made.reference, store)
    store.client.images.list.assert_called_once_with(name="orchlab/uml", filters=labels.selector())
    store.client.images.remove.assert_called_once_with("orchlab/uml:old")


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> Mock:
    sweeping = Mock()
    monkeypatch.setattr(sweep, "sweep", sweeping)
    return sweeping


def boot(**variables: str) -> None:
    machine.boot("orchlab/uml:1", {"/report": Path("/there")}, variables, print)


def test_the_guest_has_no_privileges_and_an_end(
    monkeypatch: pytest.MonkeyPatch, swept: Mock
) -> None:
    """Labelled, confined, bounded in time; variables follow the image."""
    ran = Mock()
    monkeypatch.setattr(shell, "run", ran)
    boot(STACK="lab")
    argv = ran.call_args.args[0]
    assert argv[:2] == ["docker", "run"]
    assert argv[-2:] == ["orchlab/uml:1", "STACK=lab"]
    assert {"--rm", "--read-only", "--network=none", "--cap-drop=ALL"} <= set(argv)
    assert set(labels.flags("uml")) <= set(argv)
    assert f"--env=TIME_LIMIT={machine.TIME_LIMIT_SECONDS}" in argv
    assert "--mount=type=bind,source=/there,target=/report" in argv
    assert not any("privileged" in word.split("=")[0] for word in argv)
    swept.assert_called_once_with(labels.LAB, "uml")


def test_an_interrupted_guest_is_removed(monkeypatch: pytest.MonkeyPatch, swept: Mock) -> None:
    """Ctrl-C passes through after the clean-up."""
    monkeypatch.setattr(shell, "run", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        boot()
    assert swept.call_args.args == (labels.LAB, "uml", sweep.INTERRUPTED_SECONDS)


def test_requests_and_events_are_read_from_all_files(tmp_path: Path) -> None:
    """Each way in has a file of its own; half a line is left out."""
    rows.append(tmp_path / "vip.jsonl", REQUEST)
    rows.append(tmp_path / "events.jsonl", Event(1, "phase", "before"), Event(9, "end"))
    (tmp_path / "ingress.jsonl").write_text('{"type":"sam')
    history = mesh.read(tmp_path)
    assert history.samples == [REQUEST]
    assert [event.kind for event in history.events] == ["phase", "end"]


def test_a_guest_that_stopped_half_way_is_an_error(tmp_path: Path) -> None:
    """With the end of its console, where the reason stands."""
    rows.append(tmp_path / "events.jsonl", Event(1, "phase", "before"))
    (tmp_path / "console.log").write_text("early\n" * 30 + "TimeoutError: all tasks run\n")
    with pytest.raises(OrchlabError, match="TimeoutError: all tasks run") as caught:
        mesh.read(tmp_path)
    assert caught.value.message.count("early") == mesh.LAST_LINES - 1
    assert str(tmp_path) in caught.value.hint


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Mock) -> Mock:
    """A store with everything built, and an earlier run's rows."""
    monkeypatch.setattr(paths, "lab_dir", lambda: tmp_path)
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(shell, "run", Mock())
    store.app.side_effect = lambda version="1": Image(f"orchlab/app:{version}", "sha256:2")
    store.ensure.return_value = Image("orchlab/redis:1", "sha256:3")
    mesh.report().mkdir(parents=True)
    rows.append(mesh.report() / "events.jsonl", Event(9, "end"))
    return store


def test_an_earlier_runs_rows_are_not_this_runs(
    monkeypatch: pytest.MonkeyPatch, prepared: Mock
) -> None:
    """A guest that wrote nothing is an error, whatever lay there."""
    monkeypatch.setattr(machine, "boot", Mock())
    with pytest.raises(OrchlabError, match="did not carry out"):
        mesh.carry_out(prepared)


def test_a_killed_guest_leaves_its_logs_and_no_archive(
    monkeypatch: pytest.MonkeyPatch, prepared: Mock, tmp_path: Path
) -> None:
    """The error says where the console is; the archive of images goes."""

    def die(reference: str, mounts: object, variables: dict[str, str], on_line: object) -> None:
        assert variables["APP_IMAGE"] != variables["NEXT_IMAGE"]
        assert callable(on_line)
        on_line("Kernel panic")
        raise CommandFailed(["docker", "run"], 137, "")

    monkeypatch.setattr(machine, "boot", die)
    with pytest.raises(CommandFailed) as caught:
        mesh.carry_out(prepared)
    assert str(mesh.report()) in caught.value.hint
    assert (mesh.report() / "console.log").read_text() == "Kernel panic\n"
    assert not (tmp_path / "uml").exists()


@pytest.mark.parametrize("option", ["--no-uml", "--platforms=compose"])
def test_leaving_the_guest_out_is_said(option: str) -> None:
    """Deselected, counted, and named with the option that did it."""
    argv = [sys.executable, "-m", "pytest", "tests/live/test_swarm_mesh.py", "--collect-only"]
    done = subprocess.run(
        [*argv, option], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr
    assert "6 deselected" in done.stdout
    assert f"was not tested in User-Mode Linux: {option}" in done.stdout
