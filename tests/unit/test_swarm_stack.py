from __future__ import annotations

from typing import Any

import pytest
import yaml

from orchlab import labels, paths, shell
from orchlab.errors import OrchlabError, WaitTimeout
from orchlab.paths import STACKS
from orchlab.platforms import swarm_stack
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm_stack import DataPath, Stack, Task

STACK = Stack(Node("manager", 1, "198.18.0.10"))


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((STACKS / name).read_text())["services"]
    return loaded


def service(running: int = 3, desired: int = 3, **update: str) -> dict[str, Any]:
    counts = {"RunningTasks": running, "DesiredTasks": desired}
    return {"Spec": {"Name": "lab_web"}, "ServiceStatus": counts, "UpdateStatus": update}


def task(*, current: bool = True) -> Task:
    return Task("t1", "lab_web.1", "lab-worker1", "running", "c1", "", current)


def spec(name: str, image: str = "app:1") -> dict[str, Any]:
    return {"Name": name, "TaskTemplate": {"ContainerSpec": {"Image": image}}}


def test_the_common_file_publishes_nothing() -> None:
    """A second file could not take a published port back."""
    assert not any("ports" in each for each in read("swarm.yaml").values())


def test_the_defaults_set_no_knob_of_healing_or_rollout() -> None:
    """Swarm's own defaults are what is measured."""
    web = read("swarm.yaml")["web"]
    assert set(web["deploy"]) == {"replicas", "labels"}
    assert not {"healthcheck", "stop_grace_period", "init"} & set(web)


def test_redis_is_apart_and_stays_with_its_volume() -> None:
    """Its network is not the edge's, and the pin keeps it where its data are."""
    redis = read("swarm.yaml")["redis"]
    assert redis["networks"] == ["backend"]
    assert redis["deploy"]["placement"]["constraints"] == ["node.labels.orchlab.store == true"]
    assert "--appendonly" in redis["command"]
    assert read("swarm.edge.yaml")["edge"]["networks"] == ["frontend"]


def test_the_edge_gives_its_port_up_before_the_new_one_takes_it() -> None:
    """start-first never completes with a port of the host."""
    edge = read("swarm.edge.yaml")["edge"]
    assert edge["ports"][0]["mode"] == "host"
    assert edge["deploy"]["mode"] == "global"
    assert edge["deploy"]["update_config"]["order"] == "stop-first"
    assert read("swarm.edge.yaml")["web"]["deploy"]["endpoint_mode"] == "dnsrr"


def test_the_mesh_needs_a_virtual_ip() -> None:
    """Swarm rejects an ingress port on a service without one."""
    web = read("swarm.mesh.yaml")["web"]
    assert web["ports"][0]["mode"] == "ingress"
    assert web["deploy"]["endpoint_mode"] == "vip"


@pytest.mark.parametrize("data_path", ["mesh", "edge"])
def test_both_data_paths_are_two_files(data_path: DataPath) -> None:
    """Both exist, the common one first."""
    files = swarm_stack.files_of(data_path)
    assert [each.name for each in files] == ["swarm.yaml", f"swarm.{data_path}.yaml"]
    assert all(each.exists() for each in files)


def test_a_task_is_called_after_its_slot_or_its_node() -> None:
    """A global service has no slots."""
    attrs: dict[str, Any] = {
        "ID": "t1",
        "NodeID": "n1",
        "Slot": 2,
        "Status": {"State": "failed", "Err": "exit 137"},
        "Spec": {"ContainerSpec": {"Image": "app:1"}},
    }
    task = swarm_stack._task(attrs, spec("lab_web"), {"n1": "lab-worker1"})  # noqa: SLF001
    assert (task.name, task.node, task.error) == ("lab_web.2", "lab-worker1", "exit 137")
    assert task.container == ""
    del attrs["Slot"]
    assert task.current
    assert not swarm_stack._task(attrs, spec("lab_web", "app:2"), {}).current  # noqa: SLF001
    task = swarm_stack._task(attrs, spec("lab_edge"), {"n1": "lab-worker1"})  # noqa: SLF001
    assert task.name == "lab_edge.lab-worker1"


@pytest.mark.parametrize(
    ("state", "converged"),
    [
        (service(), True),
        (service(running=2), False),
        (service(State="updating"), False),
        (service(State="completed"), True),
    ],
)
def test_converged_is_all_tasks_and_no_update(
    monkeypatch: pytest.MonkeyPatch,
    state: dict[str, Any],
    converged: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """The number of replicas alone would be right in the middle of an update, too."""
    monkeypatch.setattr(Stack, "services", lambda _self: [state])
    monkeypatch.setattr(Stack, "tasks", lambda _self: [task()])
    assert STACK._converged() is converged  # noqa: SLF001


def test_an_old_task_is_no_convergence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after the command all tasks may still be those of the previous release."""
    monkeypatch.setattr(Stack, "services", lambda _self: [service()])
    monkeypatch.setattr(Stack, "tasks", lambda _self: [task(), task(current=False)])
    assert not STACK._converged()  # noqa: SLF001


def test_an_update_that_gave_up_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Swarm's default on failure is to pause, which nobody would notice by waiting."""
    paused = service(State="paused", Message="task failed")
    monkeypatch.setattr(Stack, "services", lambda _self: [paused])
    with pytest.raises(OrchlabError, match="gave up: task failed"):
        STACK.await_converged()


def test_a_failed_deployment_says_what_the_tasks_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command itself only says that the services were created."""
    monkeypatch.setattr(shell, "run", lambda _argv, **_options: "")
    monkeypatch.setattr(swarm_stack, "CONVERGE_SECONDS", 0.0)
    monkeypatch.setattr(Stack, "services", lambda _self: [service(running=0)])
    monkeypatch.setattr(Stack, "troubles", lambda _self: "lab_web.1: no such image")
    with pytest.raises(WaitTimeout, match="no such image"):
        STACK.deploy("edge", {})


def test_the_command_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the manager's socket, both files and the stack, and holds no secret."""
    seen: dict[str, Any] = {}

    def run(argv: list[str], **options: object) -> str:
        seen.update(options, argv=[str(word) for word in argv])
        return ""

    monkeypatch.setattr(shell, "run", run)
    monkeypatch.setattr(Stack, "await_converged", lambda _self: None)
    STACK.deploy("mesh", {"WEB_REPLICAS": "3"})
    assert seen["env"] == {"DOCKER_HOST": STACK.manager.url, "WEB_REPLICAS": "3"}
    assert seen["argv"][:3] == ["docker", "stack", "deploy"]
    assert seen["argv"][-1] == labels.LAB


def test_a_changed_edge_configuration_has_another_name(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,  # noqa: ANN401 - pytest's own fixture
) -> None:
    """A Docker config never changes, so its name follows its content."""
    monkeypatch.setattr(paths, "STACKS", tmp_path)
    (tmp_path / "edge").mkdir()
    hashes = set()
    for text in ("a", "b"):
        (tmp_path / "edge" / "haproxy.cfg").write_text(text)
        hashes.add(swarm_stack.config_hash())
    assert {len(each) for each in hashes} == {12}
    assert len(hashes) == 2
