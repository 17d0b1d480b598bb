from __future__ import annotations

import ipaddress
from pathlib import Path
from unittest.mock import Mock

import docker
import pytest
from docker.errors import APIError

from orchlab import labels, paths
from orchlab.errors import HostUnfit, OrchlabError
from orchlab.parallel import in_parallel
from orchlab.platforms import node_container, nodes
from orchlab.platforms.base import Endpoint
from orchlab.platforms.nodes import Node
from orchlab.platforms.swarm import fleet as swarm_fleet
from orchlab.platforms.swarm.fleet import Fleet

WORKER = Node("worker", 2, "198.18.0.12")


@pytest.fixture
def lab_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of this test's own."""
    monkeypatch.setattr(paths, "lab_dir", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """The outer engine; it has nothing."""
    client = Mock()
    client.networks.list.return_value = []
    client.containers.list.return_value = []
    monkeypatch.setattr(docker, "from_env", lambda: client)
    return client


def taken(text: str) -> APIError:
    return APIError("409", explanation=text)


def test_a_node_is_named_after_lab_role_and_number(lab_dir: Path) -> None:
    """The container's name is unique on the engine; its socket lies in the lab's directory."""
    assert WORKER.name == f"{labels.LAB}-swarm-worker2", "kind has a <lab>-worker2"
    assert WORKER.url == f"unix://{lab_dir}/swarm/worker2/docker.sock"


def test_a_node_listens_on_a_unix_socket_and_on_no_tcp_port() -> None:
    """No Docker API without authentication on TCP: every host flag is a unix socket."""
    flags = node_container._daemon_flags("lab-registry:5000")  # noqa: SLF001 - the promise is made there
    hosts = [flag for flag in flags if "host" in flag]
    assert hosts == ["--host=unix:///orchlab/docker.sock"]
    assert not any("tcp" in flag or "237" in flag for flag in flags)


def test_the_directory_of_a_socket_is_closed_to_others(lab_dir: Path) -> None:
    """Mode 0700: whoever reaches the socket is root on the node."""
    node_container._make_socket_directory(WORKER.socket)  # noqa: SLF001
    assert WORKER.socket.parent.stat().st_mode & 0o777 == 0o700
    assert WORKER.socket.parent.is_relative_to(lab_dir)


def test_a_socket_path_that_the_kernel_cannot_hold_is_refused() -> None:
    """The message says what to set, before anything is created."""
    with pytest.raises(HostUnfit, match="too long") as caught:
        node_container._make_socket_directory(Path("/x" * 50) / "manager1" / "docker.sock")  # noqa: SLF001
    assert "XDG_STATE_HOME" in caught.value.hint


def test_a_node_comes_back_as_the_same_node(lab_dir: Path, engine: Mock) -> None:
    """Fixed address and port, images on a volume, and nothing in /run that outlives it."""
    settings = node_container._settings(WORKER, "net", engine)  # noqa: SLF001
    engine.api.create_endpoint_config.assert_called_once_with(ipv4_address="198.18.0.12")
    address, port = settings["ports"]["8080/tcp"]
    assert address == "127.0.0.1"
    assert port > 0
    assert f"{WORKER.name}:/var/lib/docker" in settings["volumes"]
    assert f"{lab_dir}/swarm/worker2:/orchlab" in settings["volumes"]
    assert settings["tmpfs"] == {"/run": ""}
    assert settings["labels"] == labels.labels("swarm")
    assert settings["hostname"] == WORKER.name


@pytest.mark.usefixtures("lab_dir")
def test_a_port_taken_at_the_last_moment_is_replaced(engine: Mock) -> None:
    """The half-made container is removed and another port is tried."""
    containers = [Mock(), Mock()]
    containers[0].start.side_effect = taken(
        "Bind for 127.0.0.1:5 failed: port is already allocated"
    )
    engine.containers.create.side_effect = containers
    node_container.create(WORKER, "net", "node:1", "lab-registry:5000")
    containers[0].remove.assert_called_once_with(force=True)
    containers[1].start.assert_called_once_with()


@pytest.mark.usefixtures("lab_dir")
def test_a_node_that_cannot_start_leaves_no_container(engine: Mock) -> None:
    """Any other refusal of the engine passes through at once."""
    container = engine.containers.create.return_value
    container.start.side_effect = taken("no such device")
    with pytest.raises(APIError, match="no such device"):
        node_container.create(WORKER, "net", "node:1", "lab-registry:5000")
    container.remove.assert_called_once_with(force=True)


def test_the_entry_port_is_read_back_even_when_the_node_is_down(engine: Mock) -> None:
    """A prober goes on asking a killed node."""
    bound = [{"HostIp": "127.0.0.1", "HostPort": "40001"}]
    engine.containers.get.return_value.attrs = {"HostConfig": {"PortBindings": {"8080/tcp": bound}}}
    assert WORKER.endpoint() == Endpoint(WORKER.name, "http://127.0.0.1:40001")


@pytest.mark.usefixtures("lab_dir")
def test_a_node_that_stops_while_starting_is_reported_at_once(engine: Mock) -> None:
    """Its last words are in the message; nobody waits for the time-out."""
    container = engine.containers.get.return_value
    container.status = "exited"
    container.logs.return_value = b"iptables: not permitted"
    with pytest.raises(OrchlabError, match="not permitted"):
        nodes.await_engine(WORKER)


@pytest.mark.parametrize("used", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])
def test_the_nodes_network_overlaps_no_network_inside_a_node(used: str) -> None:
    """Neither Swarm's overlays nor the bridges that engines choose by themselves."""
    inner = ipaddress.ip_network(used)
    assert not any(ipaddress.ip_network(each).overlaps(inner) for each in swarm_fleet.SUBNETS)


def test_a_subnet_in_use_is_passed_over(engine: Mock) -> None:
    """Two labs on one engine get a subnet each."""
    engine.networks.create.side_effect = [taken("Pool overlaps with other one"), Mock()]
    Fleet().ensure_network()
    pools = [call.kwargs["ipam"]["Config"][0] for call in engine.networks.create.call_args_list]
    assert [pool["Subnet"] for pool in pools] == swarm_fleet.SUBNETS[:2]
    assert pools[1]["IPRange"] == "198.18.1.128/25"


def test_no_free_subnet_is_an_error_with_a_hint(engine: Mock) -> None:
    """The user learns which networks are in the way."""
    engine.networks.create.side_effect = taken("Pool overlaps with other one")
    with pytest.raises(HostUnfit, match="no free subnet") as caught:
        Fleet().ensure_network()
    assert "network ls" in caught.value.hint


def test_an_existing_network_is_used(engine: Mock) -> None:
    """The engine finds names by part, so a longer name does not count."""
    fleet = Fleet()
    longer, own = Mock(), Mock()
    longer.name, own.name = f"{fleet.network}-2", fleet.network
    engine.networks.list.return_value = [longer, own]
    fleet.ensure_network()
    engine.networks.create.assert_not_called()


def test_parallel_work_keeps_the_order_and_raises_the_first_error() -> None:
    """An empty list of work is no error either."""
    assert in_parallel(str, [1, 2, 3]) == ["1", "2", "3"]
    assert in_parallel(str, []) == []
    with pytest.raises(ValueError, match="invalid literal"):
        in_parallel(int, ["1", "x"])
