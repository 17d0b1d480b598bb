"""What `swarm-up` leaves behind when it fails, and what `swarm-status` shows of nodes."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from orchlab import shell, sweep
from orchlab.errors import OrchlabError, UsageError, WaitTimeout
from orchlab.platforms.base import Endpoint
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm import nodes_status as swarm_nodes_status
from orchlab.platforms.swarm import up as swarm_up
from orchlab.platforms.swarm.members import Member


@pytest.fixture
def undone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was taken back, in order."""
    done: list[str] = []
    monkeypatch.setattr(sweep, "leftover", lambda _: done.append("leftover"))
    monkeypatch.setattr(
        swarm_members, "dismiss", lambda _, names: done.append(f"dismiss {names[0]}")
    )
    return done


def failing_swarm(
    done: list[str], before: list[str], after: list[str], error: BaseException
) -> Mock:
    """A swarm that gets from some nodes to others and then fails."""
    swarm = Mock()
    swarm.fleet.existing.side_effect = [dict.fromkeys(before), dict.fromkeys(after)]
    swarm.fleet.remove.side_effect = lambda names: done.append(f"remove {' '.join(names)}")
    swarm.delete.side_effect = lambda: done.append("delete")
    swarm.create.side_effect = error
    return swarm


@pytest.mark.parametrize("error", [WaitTimeout("nodes ready", 30), KeyboardInterrupt()])
def test_a_swarm_that_could_not_be_made_leaves_nothing(
    undone: list[str], error: BaseException
) -> None:
    """Neither after an error nor after Ctrl-C."""
    swarm = failing_swarm(undone, [], ["m1", "w1"], error)
    with pytest.raises(type(error)):
        swarm_up.bring_up(swarm, 0, keep=False)
    assert undone == ["delete", "leftover"]


def test_a_swarm_that_could_not_grow_is_as_it_was(undone: list[str]) -> None:
    """New nodes leave the swarm before they go: a vanished manager would keep its vote."""
    swarm = failing_swarm(undone, ["m1"], ["m1", "m2", "m3"], OrchlabError("no"))
    with pytest.raises(OrchlabError):
        swarm_up.bring_up(swarm, 0, keep=False)
    assert undone == ["dismiss m2", "remove m2", "dismiss m3", "remove m3"]


def test_a_new_node_that_the_swarm_does_not_let_go_stays(
    undone: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is lost is not made worse, and the first error is the one that is told."""
    swarm = failing_swarm(undone, ["m1"], ["m1", "m2"], OrchlabError("the cause"))
    monkeypatch.setattr(swarm_members, "dismiss", Mock(side_effect=WaitTimeout("gone", 30)))
    with pytest.raises(OrchlabError, match="the cause"):
        swarm_up.bring_up(swarm, 0, keep=False)
    assert undone == []


def test_what_failed_is_kept_on_demand(
    undone: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """To look at its logs."""
    swarm = failing_swarm(undone, [], ["m1", "w1"], OrchlabError("no"))
    with pytest.raises(OrchlabError):
        swarm_up.bring_up(swarm, 0, keep=True)
    assert undone == []
    assert "m1, w1" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", [0.5, -1, 61])
def test_a_heartbeat_out_of_bounds_is_refused_before_anything_is_made(seconds: float) -> None:
    """Faster is noise, slower means minutes until a lost node is noticed."""
    swarm = Mock()
    with pytest.raises(UsageError):
        swarm_up.bring_up(swarm, seconds, keep=False)
    swarm.create.assert_not_called()


@pytest.mark.parametrize(
    ("spec", "commands"),
    [
        ({}, [["docker", "swarm", "update", "--dispatcher-heartbeat=1s"]]),
        ({"Dispatcher": {"HeartbeatPeriod": 1_000_000_000}}, []),
    ],
)
def test_a_heartbeat_is_set_where_it_is_another(
    monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any], commands: list[list[str]]
) -> None:
    """With the command that a user would type."""
    ran: list[list[str]] = []
    monkeypatch.setattr(shell, "run", lambda argv, **_: ran.append(argv))
    manager = Mock(environment={})
    manager.client.return_value.swarm.attrs = {"Spec": spec}
    swarm_up.set_heartbeat(manager, 1)
    assert ran == commands


def test_a_heartbeat_that_is_not_given_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Growing a swarm is no reason to change its timers."""
    set_heartbeat = Mock()
    monkeypatch.setattr(swarm_up, "set_heartbeat", set_heartbeat)
    swarm = Mock()
    swarm.fleet.existing.return_value = {}
    swarm_up.bring_up(swarm, 0, keep=False)
    set_heartbeat.assert_not_called()
    swarm_up.bring_up(swarm, 5, keep=False)
    set_heartbeat.assert_called_once_with(swarm.fleet.manager, 5)


@pytest.mark.parametrize(("seconds", "said"), [(1, True), (swarm_up.PATIENT, False), (0, False)])
def test_a_heartbeat_that_is_too_fast_for_a_new_leader_is_pointed_out(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seconds: float,
    *,
    said: bool,
) -> None:
    """It is what the user asked for, and costs what they may not expect."""
    monkeypatch.setattr(swarm_up, "set_heartbeat", Mock())
    swarm = Mock()
    swarm.fleet.existing.return_value = {}
    swarm_up.bring_up(swarm, seconds, keep=False)
    assert ("take every node for down" in " ".join(capsys.readouterr().err.split())) is said


MEMBERS = [
    Member("1", "m1", True, True, "ready", "active", "198.18.0.11", True),  # noqa: FBT003
    Member("2", "m2", True, False, "ready", "active", "198.18.0.12", False),  # noqa: FBT003
    Member("3", "w1", False, False, "down", "drain", "198.18.0.21", False),  # noqa: FBT003
]


def test_the_status_says_who_leads_and_who_is_down() -> None:
    """And where Redis is pinned to."""
    rows = {row[0]: row for row in swarm_nodes_status.node_table(MEMBERS).rows}
    assert rows["m1"][1:4] == ("manager, leads", "ready", "198.18.0.11")
    assert rows["m2"][1] == "manager"
    assert rows["w1"][1:3] == ("worker", "down, drain")
    assert [row[-1] for row in rows.values()] == ["yes", "", ""]


@pytest.mark.parametrize(("data_path", "word"), [("mesh", "IPVS"), ("edge", "edge")])
def test_the_status_says_where_ports_are_published(data_path: str, word: str) -> None:
    """Each with the way that a request takes, as the service's labels tell."""
    marks = {"orchlab.entry-port": "8080", "orchlab.data-path": data_path}
    web = {"Spec": {"Labels": marks}}
    table = swarm_nodes_status.port_table([Endpoint("m1", "http://127.0.0.1:4001")], web)
    ((node, port, way, url),) = table.rows
    assert (node, port, url) == ("m1", "8080", "http://127.0.0.1:4001")
    assert word in way


def test_nodes_on_which_nothing_runs_have_no_entry() -> None:
    """Nobody would answer there."""
    assert swarm_nodes_status.port_table([Endpoint("m1", "http://127.0.0.1:1")], None).rows == ()
