"""How many nodes there are, which of them a command goes to, and what is removed."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import docker
import pytest

from orchlab import labels, paths
from orchlab.errors import OrchlabError, UnknownName, UsageError
from orchlab.platforms.base import Endpoint
from orchlab.platforms.nodes import Node, identify
from orchlab.platforms.swarm import fleet as swarm_fleet
from orchlab.platforms.swarm.fleet import Fleet

MANAGERS = [Node("manager", n, f"198.18.3.1{n}") for n in (1, 2, 3)]
WORKERS = [Node("worker", n, f"198.18.3.2{n}") for n in (1, 2)]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """The outer engine: a network for nodes, and no node."""
    client = Mock()
    client.networks.get.return_value.attrs = {"IPAM": {"Config": [{"Subnet": "198.18.3.0/24"}]}}
    client.containers.list.return_value = []
    monkeypatch.setattr(docker, "from_env", lambda: client)
    return client


def exist(engine: Mock, *nodes: str, stopped: tuple[str, ...] = ()) -> None:
    found = [Mock(status="exited" if name in stopped else "running") for name in nodes]
    for container, name in zip(found, nodes, strict=True):
        container.name = f"{labels.LAB}-swarm-{name}"
    engine.containers.list.return_value = found


@pytest.mark.usefixtures("engine")
def test_a_new_swarm_has_one_manager_and_two_workers() -> None:
    """Managers come first; each has an address that its role and number decide."""
    assert Fleet().all == [MANAGERS[0], *WORKERS]


@pytest.mark.usefixtures("engine")
def test_a_node_keeps_its_address_when_the_size_changes() -> None:
    """The same worker is in a larger and in a smaller swarm."""
    assert Fleet(3, 1).all == [*MANAGERS, WORKERS[0]]
    assert Fleet(1, 2).all == [MANAGERS[0], *WORKERS]


def test_a_size_that_is_not_given_is_that_of_what_exists(engine: Mock) -> None:
    """So `swarm-deploy` uses the nodes that `swarm-up` made."""
    exist(engine, "worker1", "manager1", "manager3", "manager2", "registry")
    assert Fleet().all == [*MANAGERS, WORKERS[0]]
    assert Fleet(workers=2).all == [*MANAGERS, *WORKERS]
    assert Fleet(managers=1).all == [MANAGERS[0], WORKERS[0]]
    assert Fleet().members == [*MANAGERS, WORKERS[0]]


@pytest.mark.parametrize(("managers", "workers"), [(0, 1), (2, 1), (5, 1), (1, -1), (1, 101)])
def test_a_size_that_makes_no_sense_is_refused(managers: int, workers: int) -> None:
    """Two managers survive nothing; every node needs an address of its own."""
    with pytest.raises(UsageError):
        Fleet(managers, workers)


@pytest.mark.parametrize(
    ("suffix", "identity"),
    [
        ("-swarm-manager1", ("manager", 1)),
        ("-swarm-worker12", ("worker", 12)),
        ("-registry", None),
        ("", None),
    ],
)
def test_a_name_tells_what_a_node_is(suffix: str, identity: tuple[str, int] | None) -> None:
    """Nothing has to be remembered; a container of another lab is no node of this one."""
    assert identify(f"{labels.LAB}{suffix}") == identity
    assert identify(f"other{suffix}") is None


def test_commands_go_to_the_only_manager_without_asking(engine: Mock) -> None:
    """Also when it is down: what then fails names the node."""
    exist(engine, "manager1", "worker1")
    assert Fleet().manager == MANAGERS[0]


def test_commands_go_to_a_manager_that_knows_a_leader(
    engine: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manager that was killed or cut off is passed over."""
    exist(engine, "manager1", "manager2", "manager3", stopped=("manager1",))

    asked: list[Node] = []

    def leads(node: Node) -> bool:
        asked.append(node)
        return node == MANAGERS[2]

    monkeypatch.setattr(swarm_fleet, "leads", leads)
    assert Fleet().manager == MANAGERS[2]
    assert asked == MANAGERS[1:]


def test_too_few_managers_for_a_leader_are_said_at_once(engine: Mock) -> None:
    """Nobody waits for an election that cannot end."""
    exist(engine, "manager1", "manager2", "manager3", stopped=("manager2", "manager3"))
    with pytest.raises(OrchlabError, match="1 of 3 managers run") as caught:
        _ = Fleet().manager
    assert "swarm-up" in caught.value.hint


def test_an_unknown_node_lists_the_known_ones(engine: Mock) -> None:
    """A name is typed by a person."""
    exist(engine, "manager1", "worker1")
    assert Fleet().node(f"{labels.LAB}-swarm-worker1") == WORKERS[0]
    with pytest.raises(UnknownName, match="unknown node 'w1'") as caught:
        Fleet().node("w1")
    assert f"{labels.LAB}-swarm-manager1, {labels.LAB}-swarm-worker1" in caught.value.hint


def test_every_node_has_an_entry(engine: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that run no replica."""
    exist(engine, "manager1", "worker1")
    monkeypatch.setattr(Node, "endpoint", lambda node: Endpoint(node.name, "http://127.0.0.1:1"))
    assert [each.node for each in Fleet().endpoints()] == [MANAGERS[0].name, WORKERS[0].name]


def test_removing_some_nodes_leaves_the_others(
    engine: Mock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Their volumes go with them, one of a node that never came to life included."""
    monkeypatch.setattr(paths, "lab_dir", lambda: tmp_path)
    exist(engine, "manager1", "worker1")
    manager, worker = engine.containers.list.return_value
    volumes = [Mock(), Mock()]
    volumes[0].name, volumes[1].name = MANAGERS[0].name, WORKERS[1].name
    engine.volumes.list.return_value = volumes
    Fleet().remove([WORKERS[0].name, WORKERS[1].name])
    worker.remove.assert_called_once_with(v=True, force=True)
    manager.remove.assert_not_called()
    volumes[0].remove.assert_not_called()
    volumes[1].remove.assert_called_once_with()


def test_without_a_network_there_is_no_swarm(engine: Mock) -> None:
    """The hint names the task that makes one."""
    engine.networks.get.side_effect = docker.errors.NotFound("no such network")
    with pytest.raises(OrchlabError, match="no swarm is up") as caught:
        _ = Fleet().all
    assert "swarm-up" in caught.value.hint


@pytest.mark.usefixtures("engine")
def test_of_three_managers_that_do_not_exist_none_can_be_asked() -> None:
    """Before they are made."""
    with pytest.raises(OrchlabError, match="0 of 3 managers run"):
        _ = Fleet(managers=3).manager
