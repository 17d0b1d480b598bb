"""A node without power, and a node without the others."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from orchlab import shell
from orchlab.errors import CommandFailed, OrchlabError, UnknownName, WaitTimeout
from orchlab.platforms import partition, power
from orchlab.platforms.base import ClusterNode
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.platforms.swarm.members import Member
from orchlab.platforms.swarm.node_faults import FleetFaults
from tests.unit.node_filter import LISTING
from tests.unit.swarm_nodes import MANAGER, WORKERS

WORKER = WORKERS[0]


class Machines(FleetFaults):
    def __init__(self) -> None:
        self.fleet = Fleet()


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Machines:
    """One manager and one worker, without an engine below them."""
    monkeypatch.setattr(Fleet, "members", [MANAGER, WORKER])
    monkeypatch.setattr(Fleet, "manager", MANAGER)
    return Machines()


def container(monkeypatch: pytest.MonkeyPatch, status: str) -> Mock:
    found = Mock(status=status)
    found.name = WORKER.name
    monkeypatch.setattr(Node, "container", lambda _: found)
    return found


def test_a_node_is_what_the_swarm_says_of_it(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that the swarm does not know is not ready."""
    known = [Member("1", MANAGER.name, True, True, "ready", "active", "", False)]  # noqa: FBT003
    monkeypatch.setattr(swarm_members, "listed", lambda _: known)
    assert machines.nodes() == [
        ClusterNode(MANAGER.name, control=True, leader=True, ready=True),
        ClusterNode(WORKER.name, control=False, leader=False, ready=False),
    ]


def test_stopping_a_node_is_a_kill_of_its_container(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]
) -> None:
    """Nothing on it gets a chance to say goodbye."""
    container(monkeypatch, "exited")
    machines.stop(WORKER.name)
    assert commands == [["docker", "kill", "--signal=KILL", WORKER.name]]


@pytest.mark.usefixtures("commands")
def test_a_node_that_lives_on_is_an_error(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that did not happen voids the measurement."""
    container(monkeypatch, "running")
    monkeypatch.setattr(power, "OFF_SECONDS", 0)
    with pytest.raises(WaitTimeout, match="off"):
        machines.stop(WORKER.name)


def test_an_unknown_node_is_refused_before_anything_happens(
    machines: Machines, commands: list[list[str]]
) -> None:
    """Its name would otherwise reach a command that kills containers."""
    for act in (machines.stop, machines.start, machines.cut):
        with pytest.raises(UnknownName):
            act("somebody-else")
    assert commands == []


def test_a_cut_drops_all_that_goes_between_a_node_and_the_others(
    machines: Machines, commands: list[list[str]]
) -> None:
    """Both ways, for its own packets and those of its containers; applied as a whole."""
    machines.cut(WORKER.name)
    applied = [argv[-1] for argv in commands if argv[:3] == ["docker", "exec", WORKER.name]]
    rules = next(text for text in applied if "-j DROP" in text)
    for rule in (f"-s {MANAGER.address} -j DROP", f"-d {MANAGER.address} -j DROP"):
        assert rule in rules
    for hook in ("INPUT", "OUTPUT", "FORWARD"):
        assert f"-I {hook} -j ORCHLAB-CUT" in rules
    assert WORKER.address not in rules
    assert rules.count("COMMIT") == 1


def test_a_cut_that_drops_nothing_is_an_error(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The filter's counters say whether it happened."""
    monkeypatch.setattr(
        shell, "run", lambda *_, **__: LISTING.replace("14", "0").replace("3 ", "0 ")
    )
    monkeypatch.setattr(partition, "DROPPED_SECONDS", 0)
    with pytest.raises(WaitTimeout, match="dropped"):
        machines.cut(WORKER.name)


def test_a_node_alone_cannot_be_cut_off(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nobody on the other side."""
    monkeypatch.setattr(Fleet, "members", [MANAGER])
    with pytest.raises(OrchlabError, match="no peers"):
        machines.cut(MANAGER.name)


def test_mending_leaves_no_filter_on_any_node_that_runs(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]
) -> None:
    """One that is off has lost its filter with its network."""
    states = {MANAGER.name: Mock(status="running"), WORKER.name: Mock(status="exited")}
    monkeypatch.setattr(Fleet, "existing", lambda _: states)
    machines.mend()
    assert {argv[2] for argv in commands} == {MANAGER.name}
    assert "-X ORCHLAB-CUT" in commands[-1][-1]
    for hook in ("INPUT", "OUTPUT", "FORWARD"):
        assert f"-D {hook} -j ORCHLAB-CUT" in commands[-1][-1]


def test_mending_what_is_whole_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be repeated."""
    asked: list[list[str]] = []

    def run(argv: list[str], **_: object) -> str:
        asked.append(argv)
        raise CommandFailed(argv, 1, "No chain/target/match by that name")

    monkeypatch.setattr(shell, "run", run)
    partition.mend(WORKER.name)
    assert len(asked) == 1


def test_the_packets_of_all_rules_are_counted() -> None:
    """Heads of the table are none."""
    assert partition.count(LISTING) == 17
    assert partition.count("") == 0
