"""What is done to make the swarm that is wanted out of whatever is there."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock, call

import pytest

from orchlab.errors import WaitTimeout
from orchlab.platforms import partition
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import cluster as swarm_cluster
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm.members import Member
from tests.unit.swarm_nodes import MANAGER, WORKERS, member


class Cluster:
    """A fleet, and what the swarm knows of it; records what is done to either."""

    def __init__(self, wanted: list[Node], present: list[Node], known: list[Member]) -> None:
        self.all, self.present, self.known = wanted, present, known
        self.manager = MANAGER
        self.done: list[str] = []

    @property
    def members(self) -> list[Node]:
        return list(self.present)

    def existing(self) -> dict[str, Mock]:
        return {node.name: Mock() for node in self.present}

    def start(self) -> None:
        self.done.append("start")

    def create(self, nodes: list[Node], _image: str, _registry: str) -> None:
        self.done += [f"create {node.name}" for node in nodes]
        self.present += nodes

    def remove(self, names: list[str] | None = None) -> None:
        gone = {node.name for node in self.present} if names is None else set(names)
        self.done.append(f"remove {' '.join(sorted(gone))}")
        self.present = [node for node in self.present if node.name not in gone]

    def join(self, _manager: Node, nodes: list[Node]) -> None:
        self.done += [f"join {node.name}" for node in nodes]
        self.known += [member(node) for node in nodes]

    def dismiss(self, _manager: Node, names: list[str]) -> None:
        self.done.append(f"dismiss {' '.join(sorted(names))}")
        self.known = [each for each in self.known if each.name not in names]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a factory
    """Make a cluster and let the code under test work on it."""

    def make(wanted: list[Node], present: list[Node], known: list[Member]) -> Cluster:
        made = Cluster(wanted, present, known)
        states = lambda _=None: {each.name: each.state for each in made.known}  # noqa: E731

        def await_ready(_manager: object, names: list[str]) -> None:
            if any(states().get(name) != "ready" for name in names):
                raise WaitTimeout("nodes ready", 30)

        monkeypatch.setattr(swarm_members, "seen", states)
        monkeypatch.setattr(swarm_members, "listed", lambda _: made.known)
        monkeypatch.setattr(swarm_members, "await_ready", await_ready)
        monkeypatch.setattr(partition, "mend", lambda _: None)
        monkeypatch.setattr(swarm_members, "dismiss", made.dismiss)
        monkeypatch.setattr(swarm_members, "forget", lambda *_: None)
        monkeypatch.setattr(
            swarm_members, "label_store", lambda _, names: made.done.append(f"store {names[0]}")
        )
        monkeypatch.setattr(swarm_cluster, "_join", made.join)
        monkeypatch.setattr(swarm_cluster, "_belongs", lambda node, known: node.name in known)
        monkeypatch.setattr(swarm_cluster, "_began", lambda _: bool(made.known))
        monkeypatch.setattr(swarm_cluster, "leads", lambda _: True)
        monkeypatch.setattr(swarm_cluster, "form", lambda _: made.done.append("form"))
        return made

    return make


STORE = f"store {WORKERS[0].name}"


def test_a_swarm_begins_with_all_its_nodes_at_once(cluster: Any) -> None:  # noqa: ANN401
    """Nothing is there: nodes are made, then they form a swarm."""
    fleet = cluster([MANAGER, *WORKERS], [], [])
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    assert fleet.done == [f"create {node.name}" for node in [MANAGER, *WORKERS]] + ["form"]


def test_a_swarm_as_it_is_wanted_is_left_alone(cluster: Any) -> None:  # noqa: ANN401
    """Only what stands still is started."""
    nodes = [MANAGER, *WORKERS]
    fleet = cluster(nodes, nodes, [member(node) for node in nodes])
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    assert fleet.done == ["start", STORE]


def test_a_swarm_grows_without_touching_its_nodes(cluster: Any) -> None:  # noqa: ANN401
    """The new one is made and joins."""
    fleet = cluster(
        [MANAGER, *WORKERS], [MANAGER, WORKERS[0]], [member(MANAGER), member(WORKERS[0])]
    )
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    new = WORKERS[1].name
    assert fleet.done == ["start", f"create {new}", f"join {new}", STORE]


def test_a_swarm_shrinks_after_the_tasks_have_moved(cluster: Any) -> None:  # noqa: ANN401
    """The surplus node leaves the swarm before its container goes."""
    nodes = [MANAGER, *WORKERS]
    fleet = cluster([MANAGER, WORKERS[0]], nodes, [member(node) for node in nodes])
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    old = WORKERS[1].name
    assert fleet.done == ["start", f"dismiss {old}", f"remove {old}", STORE]


@pytest.mark.parametrize(("held", "said"), [(WORKERS[0], False), (WORKERS[1], True)])
def test_data_that_go_with_a_node_are_announced(
    cluster: Any,  # noqa: ANN401
    capsys: pytest.CaptureFixture[str],
    held: Node,
    said: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A volume cannot move."""
    nodes = [MANAGER, *WORKERS]
    known = [member(node, store=node == held) for node in nodes]
    swarm_cluster.ensure(cluster(nodes[:2], nodes, known), "node:1", "registry:5000")
    assert ("data are lost" in capsys.readouterr().err) is said


def test_redis_lives_on_a_worker_if_there_is_one(cluster: Any) -> None:  # noqa: ANN401
    """The loss of a leader should not be the loss of the data as well."""
    fleet = cluster([MANAGER], [MANAGER], [member(MANAGER)])
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    assert fleet.done[-1] == f"store {MANAGER.name}"
    fleet = cluster([MANAGER, *WORKERS], [MANAGER], [member(MANAGER)])
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    assert fleet.done[-1] == STORE


def test_a_node_that_never_joined_does_so_now(cluster: Any) -> None:  # noqa: ANN401
    """As after an interruption between start and join."""
    nodes = [MANAGER, WORKERS[0]]
    fleet = cluster(nodes, nodes, [member(MANAGER)])
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    assert fleet.done == ["start", f"join {WORKERS[0].name}", STORE]


def test_a_node_that_does_not_come_back_is_made_anew(cluster: Any) -> None:  # noqa: ANN401
    """The others, and what runs on them, stay."""
    nodes = [MANAGER, WORKERS[0]]
    fleet = cluster(nodes, nodes, [member(MANAGER), member(WORKERS[0], state="down")])
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    sick = WORKERS[0].name
    assert fleet.done == [
        "start",
        f"dismiss {sick}",
        f"remove {sick}",
        f"create {sick}",
        f"join {sick}",
        STORE,
    ]


def test_a_node_that_is_still_cut_off_is_only_mended(
    cluster: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As an interrupted experiment leaves it: nothing on it is lost."""
    nodes = [MANAGER, WORKERS[0]]
    fleet = cluster(nodes, nodes, [member(MANAGER), member(WORKERS[0], state="down")])

    def mend(node: str) -> None:
        if node == WORKERS[0].name:
            fleet.known = [member(each) for each in nodes]

    monkeypatch.setattr(partition, "mend", mend)
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    assert fleet.done == ["start", STORE]


def test_nodes_without_a_swarm_are_made_anew(cluster: Any) -> None:  # noqa: ANN401
    """An interrupted beginning, or too few managers: nothing can be kept."""
    nodes = [MANAGER, WORKERS[0]]
    fleet = cluster(nodes, nodes[:1], [])
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    made = [f"create {node.name}" for node in nodes]
    assert fleet.done == ["start", f"remove {MANAGER.name}", *made, "form"]


def test_engines_that_do_not_start_are_a_reason_to_begin_anew(cluster: Any) -> None:  # noqa: ANN401
    """Not to fail: the user asked for a swarm."""
    fleet = cluster([MANAGER], [MANAGER], [member(MANAGER)])
    fleet.start = Mock(side_effect=WaitTimeout("the engine answers", 60))
    swarm_cluster.ensure(fleet, "node:1", "registry:5000")
    assert fleet.done[-1] == "form"


def test_managers_join_one_after_another_and_workers_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each new manager changes the quorum; a node of a forgotten swarm leaves that first."""
    clients: dict[str, Mock] = {}

    def client(node: Node, **_: object) -> Mock:
        found = clients.setdefault(node.name, Mock())
        found.swarm.attrs = {"JoinTokens": {"Manager": "m-token", "Worker": "w-token"}}
        found.info.return_value = {
            "Swarm": {"LocalNodeState": "error" if node == WORKERS[0] else "inactive"}
        }
        return found

    monkeypatch.setattr(Node, "client", client)
    second = Node("manager", 2, "198.18.0.12")
    swarm_cluster._join(MANAGER, [second, *WORKERS])  # noqa: SLF001 - the order is the promise
    joined = clients[second.name].swarm.join
    joined.assert_called_once_with(
        remote_addrs=["198.18.0.11:2377"],
        join_token="m-token",  # noqa: S106 - of this test
        advertise_addr="198.18.0.12",
        listen_addr="198.18.0.12:2377",
    )
    assert clients[WORKERS[0].name].swarm.mock_calls[:1] == [call.leave(force=True)]
    assert clients[WORKERS[1].name].swarm.join.call_args.kwargs["join_token"] == "w-token"  # noqa: S105
