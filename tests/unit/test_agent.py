"""A question to a model, up to the point where a platform runs the job."""

from __future__ import annotations

import re
import signal
import stat
from pathlib import Path
from types import SimpleNamespace as Fake
from typing import Any

import pytest
import yaml

from app.agent import Exit, Settings
from orchlab import agent, credentials, labels, paths
from orchlab.errors import OrchlabError, UsageError
from orchlab.images.store import Image, ImageStore
from orchlab.platforms.capabilities import Errand, Jobs
from orchlab.platforms.compose import jobs as compose_jobs
from orchlab.platforms.compose.adapter import Compose
from orchlab.platforms.k8s import jobs as k8s_jobs
from orchlab.platforms.registry import PLATFORMS
from orchlab.platforms.swarm import jobs as swarm_jobs

KEY = "sk-test-5d0f6b1c"
IMAGE = Image("orchlab/app:1-abc", "sha256:1")
FILES = [compose_jobs.FILE, swarm_jobs.FILE]
VARIABLE = re.compile(r"\$\{(\w+)(:[-?])([^}]*)\}")
DOCUMENTED = re.compile(r"^# ([A-Z_]+) +(\S+|\(.+?\))  ", re.MULTILINE)


class Pretended:
    """TEST DOUBLE of a platform: its job ends with ``status``, and the errand is looked at."""

    name = "pretended"

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.did: list[str] = []
        self.images = Fake(app=lambda: IMAGE)
        self.errand: Errand | None = None
        self.key = ""

    def prepare(self) -> None:
        self.did.append("prepare")

    def create(self) -> None:
        self.did.append("create")

    def publish(self, image: Image) -> None:
        self.did.append(f"publish {image.reference}")

    def run_agent(self, errand: Errand) -> int:
        self.errand = errand
        self.key = errand.key.read_text()
        mode = stat.S_IMODE(errand.key.parent.stat().st_mode)
        assert mode == 0o700, "others on the host could reach the key"
        return self.status


@pytest.fixture(autouse=True)
def _own_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "lab_dir", lambda: tmp_path)
    for name in (agent.KEY, *agent.SETTINGS):
        monkeypatch.delenv(name, raising=False)


def ask(platform: Pretended, question: str = "why?", key_file: str = "") -> None:
    chosen: Any = platform
    agent.ask(lambda: chosen, question, key_file)


def test_the_job_gets_the_question_and_the_users_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that are set, and the key apart from them."""
    monkeypatch.setenv(agent.KEY, f"{KEY}\n")
    monkeypatch.setenv("OPENAI_MODEL", "small")
    platform = Pretended()
    ask(platform)
    assert platform.did == ["prepare", "create", f"publish {IMAGE.reference}"]
    assert platform.key == KEY
    assert platform.errand
    assert platform.errand.settings == {"QUESTION": "why?", "OPENAI_MODEL": "small"}
    assert platform.errand.name.startswith(f"{labels.LAB}-agent-")


def test_the_key_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the job ended."""
    monkeypatch.setenv(agent.KEY, KEY)
    for status in (0, 5):
        platform = Pretended(status)
        if status:
            with pytest.raises(OrchlabError):
                ask(platform)
        else:
            ask(platform)
        assert platform.errand
        assert not platform.errand.key.exists()
    assert list((tmp_path / "secrets").iterdir()) == []


def test_a_key_file_counts_more_than_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was named for this question; a copy is lent, since the user's is closed to others."""
    monkeypatch.setenv(agent.KEY, "another")
    (tmp_path / "key").write_text(f"{KEY}\n")
    (tmp_path / "key").chmod(0o600)
    platform = Pretended()
    ask(platform, key_file=str(tmp_path / "key"))
    assert platform.key == KEY
    assert platform.errand
    assert platform.errand.key != tmp_path / "key"


def test_without_a_key_or_a_question_nothing_is_made(tmp_path: Path) -> None:
    """It is wrong usage, before anything is brought up."""
    platform = Pretended()
    (tmp_path / "empty").touch()
    for question, file in (("why?", ""), (" ", ""), ("why?", "missing")):
        with pytest.raises(UsageError):
            ask(platform, question, file)
    with pytest.raises(UsageError, match="no key"):
        ask(platform, key_file=str(tmp_path / "empty"))
    assert platform.did == []


def test_the_jobs_exit_status_is_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its meaning; the task's own is 1, as of any command that failed."""
    monkeypatch.setenv(agent.KEY, KEY)
    with pytest.raises(OrchlabError, match="exit status 4: the endpoint refused") as caught:
        ask(Pretended(Exit.REFUSED))
    assert caught.value.exit_code == 1
    with pytest.raises(OrchlabError, match=r"exit status 137: app/agent\.py does not"):
        ask(Pretended(137))


def test_every_failure_of_the_agent_has_a_meaning() -> None:
    """What the lab says is what the agent means; a signal ends it as it would end a shell."""
    signals = {128 + signal.SIGINT, 128 + signal.SIGTERM}
    assert agent.MEANINGS.keys() == set(Exit) - {Exit.ANSWERED} | signals


def test_every_setting_of_the_agent_is_passed_on() -> None:
    """Those that the lab knows, the question and the key are all."""
    known = {"QUESTION", agent.KEY, f"{agent.KEY}_FILE", *agent.SETTINGS}
    assert {name.upper() for name in Settings.model_fields} == known


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_platform_runs_jobs(name: str) -> None:
    """Each in its own way."""
    assert issubclass(PLATFORMS[name], Jobs)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_variable_of_a_stack_file_is_documented(file: Path) -> None:
    """The head of the file can be trusted, and what the lab sets is in the file."""
    text = file.read_text(encoding="utf-8")
    documented = dict(DOCUMENTED.findall(text))
    used = {name: (kind, default) for name, kind, default in VARIABLE.findall(text)}
    assert documented.keys() == used.keys()
    for name, (kind, default) in used.items():
        expected = "(must be set)" if kind == ":?" else default or "(empty)"
        assert documented[name] == expected, name
    errand = Errand("run", IMAGE, Path("key"), dict.fromkeys(("QUESTION", *agent.SETTINGS), "x"))
    given = compose_jobs.variables(errand), swarm_jobs.variables(errand, "there/app:1")
    assert all(each.keys() == used.keys() for each in given)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_key_is_a_secret_of_the_job(file: Path) -> None:
    """A file in the container, named to the agent, and no variable."""
    (service,) = yaml.safe_load(file.read_text())["services"].values()
    assert agent.KEY not in service["environment"]
    assert service["environment"][f"{agent.KEY}_FILE"] == "/run/secrets/openai_api_key"
    assert service["secrets"]
    assert service["healthcheck"] == {"disable": True}


def test_an_interrupted_compose_run_takes_its_container_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once the engine has made it; `docker compose down` alone leaves such a container."""
    did: list[str] = []

    def interrupt(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(compose_jobs.shell, "attach", interrupt)
    monkeypatch.setattr(compose_jobs.shell, "run", lambda argv, **_: did.append(" ".join(argv)))
    monkeypatch.setattr(compose_jobs.time, "sleep", lambda seconds: did.append(f"sleep {seconds}"))
    with pytest.raises(KeyboardInterrupt):
        Compose(ImageStore()).run_agent(Errand("lab-agent-1", IMAGE, Path("key"), {}))
    slept, removed = did
    assert slept.startswith("sleep")
    assert " -p lab-agent-1 " in removed
    assert removed.endswith("down --remove-orphans")


def test_swarm_takes_no_question_for_a_template() -> None:
    """Else `{{.Node.Hostname}}` would be asked as a node's name."""
    errand = Errand("run", IMAGE, Path("key"), {"QUESTION": "what is {{.Node.Hostname}}?"})
    given = swarm_jobs.variables(errand, "app")["QUESTION"]
    assert given == 'what is {{"{{"}}.Node.Hostname}}?'


def test_kubernetes_gets_the_question_byte_for_byte(tmp_path: Path) -> None:
    """As files beside the kustomization, closed to others; the key is in no manifest."""
    question = "\"$(HOME)\" 'and' {{ }}\nmore"
    with credentials.lent(KEY, "key") as file:
        errand = Errand("lab-agent-1", IMAGE, file, {"QUESTION": question})
        k8s_jobs.write(tmp_path / "run", errand, "lab-registry:5000/orchlab/app:1")
    directory = tmp_path / "run"
    text = (directory / "kustomization.yaml").read_text()
    written = yaml.safe_load(text)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert (directory / "QUESTION").read_text() == question
    assert (directory / k8s_jobs.KEY_NAME).read_text() == KEY
    assert KEY not in text
    assert written["namespace"] == "lab-agent-1"
    assert written["configMapGenerator"] == [{"name": "question", "files": ["QUESTION"]}]
    assert written["images"][0]["newName"] == "lab-registry:5000/orchlab/app"


def test_kubernetes_repeats_only_what_may_come_right() -> None:
    """Not a wrong setting, a missing key or a refusal."""
    job = yaml.safe_load((k8s_jobs.DIRECTORY / "job.yaml").read_text())
    (rule,) = job["spec"]["podFailurePolicy"]["rules"]
    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"]["values"] == [Exit.WRONG_SETTING, Exit.NO_KEY, Exit.REFUSED]
    assert job["spec"]["backoffLimit"] > 0
    assert job["spec"]["ttlSecondsAfterFinished"] > 0


def test_the_last_pod_of_a_job_decides() -> None:
    """An earlier one was repeated; one that was taken away ended with nothing."""

    def pod(created: int, status: int | None) -> Any:  # noqa: ANN401 - as the client's
        ended = None if status is None else Fake(exit_code=status)
        statuses = [Fake(state=Fake(terminated=ended))]
        return Fake(
            metadata=Fake(creation_timestamp=created), status=Fake(container_statuses=statuses)
        )

    assert k8s_jobs.last_status([pod(2, 0), pod(1, 5)]) == 0
    for pods in ([], [pod(1, None)]):
        with pytest.raises(OrchlabError, match="taken away"):
            k8s_jobs.last_status(pods)
