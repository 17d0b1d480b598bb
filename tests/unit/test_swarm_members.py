"""The list of nodes that the managers keep: read, changed, and cleared of earlier lives."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from docker.errors import APIError

from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm.members import STORE_LABEL
from tests.unit.swarm_nodes import MANAGER, WORKERS, member


class Api:
    """A manager's engine with nodes that can be changed, refusing what it is told to refuse."""

    name = MANAGER.name

    @property
    def manager(self) -> Api:
        return self

    def __init__(self, *attrs: dict[str, Any]) -> None:
        self.attrs = {each["ID"]: each for each in attrs}
        self.refusals: list[APIError] = []
        self.removed: list[str] = []
        self.tasks: list[list[dict[str, Any]]] = []

    def client(self, **_: object) -> Mock:
        found = Mock()
        found.nodes.get = self.get
        found.nodes.list = lambda: [self.get(each) for each in self.attrs]
        found.api.remove_node = self.remove
        found.api.tasks = lambda: self.tasks.pop(0) if self.tasks else []
        return found

    def get(self, node_id: str) -> Mock:
        def update(spec: dict[str, Any]) -> None:
            if self.refusals:
                raise self.refusals.pop(0)
            self.attrs[node_id]["Spec"] = spec

        return Mock(attrs=self.attrs[node_id], update=update)

    def remove(self, node_id: str, *, force: bool) -> None:
        assert force
        if self.refusals:
            raise self.refusals.pop(0)
        self.removed.append(node_id)


def attributes(node_id: str, **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as the API has it
    return {
        "ID": node_id,
        "Spec": {"Role": "worker", "Availability": "active", "Labels": {}, **spec},
        "Description": {"Hostname": node_id},
        "Status": {"State": "ready", "Addr": "198.18.0.21"},
    }


def refusal(text: str, code: int = 500) -> APIError:
    return APIError(text, response=Mock(status_code=code), explanation=text)


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def test_a_node_changed_by_somebody_else_is_changed_again() -> None:
    """Swarm refuses what is based on an old version of a node."""
    api = Api(attributes("n1", Labels={"mine": "1"}))
    api.refusals = [refusal("update out of sequence")]
    swarm_members.label_store(api, ["n1"])
    assert api.attrs["n1"]["Spec"]["Labels"] == {"mine": "1", STORE_LABEL: "true"}


def test_redis_stays_where_its_data_are() -> None:
    """Another node would be a better place only for a new one."""
    api = Api(attributes("n1"), attributes("n2", Labels={STORE_LABEL: "true"}), attributes("n3"))
    swarm_members.label_store(api, ["n1", "n2"])
    assert api.attrs["n1"]["Spec"]["Labels"] == {}
    swarm_members.label_store(api, ["n3", "n1"])
    assert api.attrs["n3"]["Spec"]["Labels"] == {STORE_LABEL: "true"}


def test_a_label_is_removed_and_the_others_stay() -> None:
    """A node of somebody's keeps what is theirs."""
    api = Api(attributes("n1", Labels={"mine": "1", STORE_LABEL: "true"}))
    swarm_members.change(api, "n1", Labels={STORE_LABEL: None})
    assert api.attrs["n1"]["Spec"]["Labels"] == {"mine": "1"}


def test_a_change_that_is_wrong_fails_at_once() -> None:
    """Only what may pass is tried again."""
    api = Api(attributes("n1"))
    api.refusals = [refusal("invalid role", 400)]
    with pytest.raises(APIError, match="invalid role"):
        swarm_members.change(api, "n1", Role="king")


def task(node: str, state: str, desired: str = "running", error: str = "") -> dict[str, Any]:
    status = {"State": state, "Err": error}
    return {"NodeID": node, "DesiredState": desired, "Status": status}


def test_a_node_leaves_after_its_tasks_and_its_vote() -> None:
    """A manager's entry can be removed once the others have noticed that it is none."""
    api = Api(attributes("n1"), attributes("n2", Role="manager"))
    homeless = task("", "pending", error="no suitable node")
    api.tasks = [
        [task("n2", "running", "shutdown"), task("n1", "starting"), homeless],
        [task("n2", "shutdown", "shutdown"), task("n1", "starting"), homeless],
        [task("n2", "shutdown", "shutdown"), task("n1", "running"), homeless],
    ]
    refused = [refusal("it must be demoted first", 400)]
    remove = api.remove

    def late(node_id: str, *, force: bool) -> None:
        if refused:
            raise refused.pop()
        remove(node_id, force=force)

    api.remove = late  # type: ignore[method-assign]
    swarm_members.dismiss(api, ["n2"])
    assert api.attrs["n1"]["Spec"]["Availability"] == "active"
    assert api.attrs["n2"]["Spec"]["Availability"] == "drain"
    assert api.attrs["n2"]["Spec"]["Role"] == "worker"
    assert api.tasks == []
    assert api.removed == ["n2"]


def test_only_what_is_down_and_nobody_of_ours_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the earlier life of a node that was made anew; a node of ours that is down stays."""
    down = {"state": "down"}
    known = [
        member(MANAGER),
        member(MANAGER, id="old-manager", **down),
        member(WORKERS[0]),
        member(WORKERS[0], id="old-worker", **down),
        member(WORKERS[1], **down),
        member(Node("worker", 9, ""), id="stranger", **down),
    ]
    monkeypatch.setattr(swarm_members, "listed", lambda _: known)
    gone = ("old-worker", "stranger")
    api = Api(attributes("old-manager", Role="manager"), *map(attributes, gone))
    swarm_members.forget(api, [MANAGER.name, WORKERS[0].name, WORKERS[1].name])
    assert api.attrs["old-manager"]["Spec"]["Role"] == "worker"
    assert api.removed == ["old-manager", "old-worker", "stranger"]


def test_members_are_read_as_the_manager_describes_them() -> None:
    """The leader first; a manager's address is the one that its peers agree on."""
    manager = attributes("m1", Role="manager", Labels={STORE_LABEL: "true"})
    vote = {"Leader": True, "Addr": "198.18.0.11:2377", "Reachability": "reachable"}
    manager["ManagerStatus"] = vote
    manager["Status"]["Addr"] = "0.0.0.0"  # noqa: S104 - what a manager may say of itself
    first, second = swarm_members.listed(Api(attributes("a1", Availability="drain"), manager))
    assert (first.name, first.leader, first.manager) == ("m1", True, True)
    assert first.address == "198.18.0.11"
    assert (first.store, second.store) == (True, False)
    assert (second.name, second.availability, second.address) == ("a1", "drain", "198.18.0.21")


def test_a_node_that_joins_is_listed_before_it_says_its_name() -> None:
    """Nobody waits for it yet, and once all that are waited for are ready it is forgotten."""
    joining = attributes("n2")
    joining |= {"Description": {"Platform": {}}, "Status": {"State": "unknown"}}
    api = Api(attributes("n1"), joining)
    assert swarm_members.seen(api) == {"n1": "ready", "": "unknown"}
    swarm_members.forget(api, ["n1"])
    assert api.removed == ["n2"]


def test_of_two_lives_of_a_node_the_present_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The swarm remembers the earlier one as down until it is struck off."""
    lives = [member(WORKERS[0]), member(WORKERS[0], id="earlier", state="down")]
    for known in (lives, lives[::-1]):
        monkeypatch.setattr(swarm_members, "listed", lambda _, known=known: known)
        assert swarm_members.seen(Api()) == {WORKERS[0].name: "ready"}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "voteless"),
        ({"Reachability": "unreachable"}, "voteless"),
        ({"Reachability": "reachable"}, "ready"),
    ],
)
def test_a_manager_is_ready_when_its_vote_counts(status: dict[str, str], state: str) -> None:
    """Until then the loss of another one could leave no quorum."""
    attrs = attributes("m1", Role="manager")
    attrs["ManagerStatus"] = status
    assert swarm_members.seen(Api(attrs)) == {"m1": state}


def test_an_order_is_repeated_while_a_leader_is_elected() -> None:
    """The manager that carries it out may be another one each time."""
    api = Api(attributes("n1"))
    api.refusals = [refusal("The swarm does not have a leader"), refusal("lost leader status")]
    swarm_members.change(api, "n1", Availability="drain")
    assert api.attrs["n1"]["Spec"]["Availability"] == "drain"


def test_without_a_leader_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, while any other refusal is an error."""
    monkeypatch.setattr(
        swarm_members, "listed", Mock(side_effect=refusal("The swarm does not have a leader"))
    )
    assert swarm_members.seen(Api()) == {}
    monkeypatch.setattr(
        swarm_members, "listed", Mock(side_effect=refusal("This node is no manager", 406))
    )
    with pytest.raises(APIError, match="no manager"):
        swarm_members.seen(Api())
