"""A swarm of somebody's: how it is named, reached and left alone."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import Mock

import docker
import pytest
from docker.errors import DockerException

from orchlab import shell
from orchlab.engine import contexts, host
from orchlab.errors import CommandFailed, HostUnfit, UnknownName, UsageError
from orchlab.images.store import ImageStore
from orchlab.platforms import base
from orchlab.platforms.swarm import existing as swarm_existing
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm.context import Address, ExistingNodes, RemoteEngine, find, reach
from orchlab.platforms.swarm.existing import ExistingSwarm
from orchlab.platforms.swarm.members import STORE_LABEL, Member

ENGINE = RemoteEngine("far1", {"DOCKER_HOST": "unix:///far.sock"}, {})
UNIX = Address({"DOCKER_HOST": "unix:///far.sock"})


@pytest.fixture(autouse=True)
def _client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's Docker client knows the contexts `far` and `open`."""
    known = {"far": "unix:///far.sock", "open": "tcp://far:2375"}

    def run(argv: list[str], **_: object) -> str:
        if argv[:3] == ["docker", "context", "ls"]:
            return "default\nfar\nopen\n"
        if argv[3] not in known:
            raise CommandFailed(argv, 1, "context not found")
        endpoint = {"Host": known[argv[3]], "SkipTLSVerify": False}
        return json.dumps({"Endpoints": {"docker": endpoint}, "TLSMaterial": {}})

    monkeypatch.setattr(shell, "run", run)


def test_neither_a_context_nor_a_host_means_the_lab_s_own() -> None:
    """Nothing is looked up."""
    assert find("", "") is None


def test_a_context_names_its_engine() -> None:
    """As the user's own Docker client has it."""
    assert find("far", "") == UNIX


def test_a_host_names_itself() -> None:
    """As `docker --host` takes it."""
    found = find("", "ssh://me@far.example")
    assert found is not None
    assert (found.url, found.host, found.here) == ("ssh://me@far.example", "far.example", False)


def test_an_unknown_context_lists_the_known_ones() -> None:
    """As the user's Docker client lists them."""
    with pytest.raises(UnknownName, match="'fra'") as caught:
        find("fra", "")
    assert "far" in caught.value.hint


def test_two_swarms_at_once_are_refused() -> None:
    """Which one is meant nobody can know."""
    with pytest.raises(UsageError, match="two swarms"):
        find("far", "ssh://far")


def test_an_api_without_tls_is_refused() -> None:
    """It would carry the app's key to whoever listens."""
    for words in (("open", ""), ("", "tcp://far:2375")):
        with pytest.raises(UsageError, match="without TLS"):
            find(*words)


def answering(monkeypatch: pytest.MonkeyPatch, control: bool) -> list[dict[str, str]]:  # noqa: FBT001
    """An engine that is a manager or not; returns how it was asked."""
    asked: list[dict[str, str]] = []

    def from_env(*, environment: dict[str, str], **_: object) -> Mock:
        asked.append(environment)
        client = Mock()
        client.info.return_value = {"Name": "far1", "Swarm": {"ControlAvailable": control}}
        return client

    monkeypatch.setattr(docker, "from_env", from_env)
    return asked


def test_a_manager_is_named_as_its_swarm_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name says which tasks are on it."""
    answering(monkeypatch, control=True)
    engine = reach(UNIX)
    assert engine.name == "far1"
    assert engine.environment == {"DOCKER_HOST": "unix:///far.sock"}


def test_an_engine_behind_ssh_is_asked_through_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command, which can do ssh by itself, is echoed with the address that was given."""
    monkeypatch.setattr(contexts, "tunnel", lambda _: "unix:///tunnel.sock")
    asked = answering(monkeypatch, control=True)
    engine = reach(Address({"DOCKER_HOST": "ssh://far"}))
    assert asked == [{"DOCKER_HOST": "unix:///tunnel.sock"}]
    assert engine.environment == {"DOCKER_HOST": "ssh://far"}


def test_an_engine_that_manages_no_swarm_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker cannot carry out commands either."""
    answering(monkeypatch, control=False)
    with pytest.raises(UsageError, match="manages no swarm"):
        reach(UNIX)


def test_an_engine_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a command that shows the same."""
    monkeypatch.setattr(docker, "from_env", Mock(side_effect=DockerException("refused")))
    with pytest.raises(HostUnfit, match=r"unix:///far\.sock") as caught:
        reach(UNIX)
    assert "docker version" in caught.value.hint


def members(monkeypatch: pytest.MonkeyPatch, **addresses: str) -> None:
    known = [
        Member(name, name, True, True, "ready", "active", address, False)  # noqa: FBT003
        for name, address in addresses.items()
    ]
    monkeypatch.setattr(swarm_members, "listed", lambda _: known)


def test_every_node_is_entered_at_the_address_of_its_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the port that the stack publishes; IPv6 in brackets."""
    members(monkeypatch, far1="192.0.2.1", far2="2001:db8::2", far3="[2001:db8::3]")
    assert [each.url for each in ExistingNodes(ENGINE, entry_port=81).endpoints()] == [
        "http://192.0.2.1:81",
        "http://[2001:db8::2]:81",
        "http://[2001:db8::3]:81",
    ]


@pytest.mark.parametrize("address", ["", "0.0.0.0", "127.0.0.1"])  # noqa: S104 - what it says
def test_a_node_without_an_address_is_at_that_of_the_context(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """As on a swarm of one node."""
    members(monkeypatch, far1=address)
    (endpoint,) = ExistingNodes(ENGINE, "far.example").endpoints()
    assert endpoint.url == "http://far.example:8080"


def test_a_node_that_takes_no_tasks_is_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may have drained it, or it is down."""
    known = [
        Member("1", "far1", True, True, "down", "active", "192.0.2.1", False),  # noqa: FBT003
        Member("2", "far2", False, False, "ready", "drain", "192.0.2.2", False),  # noqa: FBT003
    ]
    monkeypatch.setattr(swarm_members, "listed", lambda _: known)
    assert ExistingNodes(ENGINE).endpoints() == []


def test_only_the_engine_of_the_context_can_be_asked() -> None:
    """The others are behind it."""
    nodes = ExistingNodes(ENGINE)
    assert nodes.node("far1") is ENGINE
    with pytest.raises(UsageError, match="far2"):
        nodes.node("far2")


@pytest.fixture
def existing(monkeypatch: pytest.MonkeyPatch) -> ExistingSwarm:
    """The app on somebody's swarm, on which nothing is deployed yet."""
    monkeypatch.setattr(swarm_existing, "reach", lambda _: ENGINE)
    monkeypatch.setattr(swarm_existing, "_published_port", lambda _: None)
    return ExistingSwarm(Mock(spec=ImageStore), UNIX, entry_port=81)


def test_somebody_s_swarm_has_no_faults(existing: ExistingSwarm) -> None:
    """Experiments that need them find them missing, and are told why."""
    for capability in (base.Platform, base.Scalable, base.Updatable, base.Observable):
        assert isinstance(existing, capability)
    faults = (base.NodeFaults, base.ReplicaFaults, base.HangFaults, base.StoreFaults)
    for capability in (*faults, base.StoreCrash, base.Drainable):
        assert not isinstance(existing, capability)
    assert isinstance(existing, base.Guarded)
    assert "not the lab's own" in existing.refusal


@pytest.mark.parametrize(
    ("here", "data_path"), [(UNIX, "edge"), (Address({"DOCKER_HOST": "ssh://far"}), "mesh")]
)
def test_only_this_machine_s_kernel_can_be_asked_for_ipvs(
    existing: ExistingSwarm, monkeypatch: pytest.MonkeyPatch, here: Address, data_path: str
) -> None:
    """Elsewhere it is there: distributions' kernels have it."""
    monkeypatch.setattr(host, "ipvs_available", lambda: False)
    existing.address = here
    assert existing.detected_data_path() == data_path


def labelled(store: bool) -> Member:  # noqa: FBT001 - as the node has it
    return Member("id1", "far1", True, True, "ready", "active", "", store)  # noqa: FBT003


def test_redis_gets_a_node_unless_somebody_chose_one(
    existing: ExistingSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The label on a node decides where its volume lives."""
    label = Mock()
    monkeypatch.setattr(swarm_members, "label_store", label)
    monkeypatch.setattr(swarm_members, "listed", lambda _: [labelled(store=True)])
    existing.create()
    label.assert_not_called()
    monkeypatch.setattr(swarm_members, "listed", lambda _: [labelled(store=False)])
    existing.create()
    label.assert_called_once_with(existing.swarm_nodes, ["far1"])


def test_removing_the_app_takes_the_label_along(
    existing: ExistingSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nodes are left as they were found."""
    changed: dict[str, Any] = {}
    monkeypatch.setattr(ExistingSwarm, "undeploy", lambda _: None)
    monkeypatch.setattr(swarm_members, "listed", lambda _: [labelled(store=True)])
    monkeypatch.setattr(
        swarm_members, "change", lambda _, node, **spec: changed.update({node: spec})
    )
    existing.delete()
    assert changed == {"id1": {"Labels": {STORE_LABEL: None}}}


def test_the_port_of_what_is_deployed_is_read_back() -> None:
    """So that only the first deployment has to name it."""
    stack = Mock()
    stack.find.return_value = {"Spec": {"Labels": {"orchlab.entry-port": "81"}}}
    assert swarm_existing._published_port(stack) == 81  # noqa: SLF001 - read at construction
    stack.find.return_value = None
    assert swarm_existing._published_port(stack) is None  # noqa: SLF001


def test_a_registry_without_a_swarm_elsewhere_is_a_mistake() -> None:
    """It would be ignored: the lab's own swarm has its own."""
    with pytest.raises(UsageError, match="elsewhere"):
        swarm_existing.named("", "", "registry.example:5000")
    assert swarm_existing.named("", "") is None


def test_a_swarm_elsewhere_is_connected_to_when_its_images_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its name is checked at once, before an engine is provided here."""
    monkeypatch.setattr(swarm_existing, "_published_port", lambda _: None)
    connected: list[Address] = []

    def reached(address: Address) -> RemoteEngine:
        connected.append(address)
        return ENGINE

    monkeypatch.setattr(swarm_existing, "reach", reached)
    make = swarm_existing.named("far", "", port=81)
    assert make is not None
    assert connected == []
    assert make(Mock(spec=ImageStore)).swarm_nodes.entry_port == 81
    assert connected == [UNIX]
