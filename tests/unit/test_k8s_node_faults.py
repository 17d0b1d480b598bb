"""A kind node without power, and one without the others; kind's balancer before three."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from orchlab.errors import OrchlabError, UnknownName
from orchlab.images.catalogue import CATALOGUE
from orchlab.images.recipes import DOCKERFILES
from orchlab.images.store import Image, ImageStore
from orchlab.platforms import partition, power
from orchlab.platforms.base import ClusterNode, NodeFaults
from orchlab.platforms.k8s import balancer, kind
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s import objects as k8s_objects
from orchlab.platforms.k8s import status as k8s_status
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.k8s.node_faults import ClusterFaults

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def container(name: str, role: str, address: str) -> Any:  # noqa: ANN401 - the SDK's object
    found = Mock(status="running" if address else "exited", labels={k8s_nodes.ROLE: role})
    found.name = name
    networks = {k8s_nodes.network_name(): {"IPAddress": address}}
    found.attrs = {"NetworkSettings": {"Networks": networks}}
    return found


def reported(name: str, status: str) -> SimpleNamespace:
    """A node as the API server has it."""
    message = "kubelet is posting ready status" if status == "True" else "Kubelet stopped posting"
    ready = SimpleNamespace(type="Ready", status=status, reason="Reason", message=message)
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name, labels={}, creation_timestamp=NOW),
        spec=SimpleNamespace(unschedulable=None),
        status=SimpleNamespace(
            conditions=[ready], node_info=SimpleNamespace(kubelet_version="v1.36.3")
        ),
    )


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> ClusterFaults:
    """A control plane, a worker, one that is off, and a balancer as if there were several."""
    found = [
        container("lab-worker", "worker", "172.18.0.4"),
        container("lab-control-plane", "control-plane", "172.18.0.3"),
        container("lab-worker2", "worker", ""),
        container("lab-balancer", k8s_nodes.BALANCER, "172.18.0.2"),
    ]
    monkeypatch.setattr(k8s_nodes, "containers", lambda: found)
    made = Kubernetes(ImageStore())
    made.control = Mock()
    return made


def test_the_lab_s_own_nodes_can_be_broken() -> None:
    """As experiments ask for it."""
    assert isinstance(Kubernetes(ImageStore()), NodeFaults)


def test_a_node_is_what_the_api_server_says_of_it(machines: ClusterFaults) -> None:
    """One that it does not know or has not heard of is not ready; one alone leads."""
    nodes = [reported("lab-control-plane", "True"), reported("lab-worker", "Unknown")]
    machines.control.api.nodes.return_value = nodes  # type: ignore[attr-defined]
    assert machines.nodes() == [
        ClusterNode("lab-control-plane", control=True, leader=True, ready=True),
        ClusterNode("lab-worker", control=False, leader=False, ready=False),
        ClusterNode("lab-worker2", control=False, leader=False, ready=False),
    ]


def test_the_status_says_why_a_node_is_not_ready() -> None:
    """In the cluster's words; of one that is ready there is nothing to say."""
    found = [reported("lab-worker", "True"), reported("lab-worker2", "Unknown")]
    rows = k8s_status.nodes(found, NOW).rows
    assert [row[2:4] for row in rows] == [("ready", ""), ("NOT READY", "Kubelet stopped posting")]


def lease(holder: str, age_s: float) -> SimpleNamespace:
    renewed = NOW - timedelta(seconds=age_s)
    spec = SimpleNamespace(holder_identity=holder, renew_time=renewed, lease_duration_seconds=15)
    return SimpleNamespace(spec=spec)


def test_a_leader_is_one_that_renews_its_lease() -> None:
    """The lease of one that is gone names it on, but has run out."""
    assert k8s_objects.holder(lease("lab-control-plane2_0-1", 2), NOW) == "lab-control-plane2"
    assert k8s_objects.holder(lease("lab-control-plane2_0-1", 16), NOW) == ""


def test_a_stopped_node_is_a_killed_container(
    machines: ClusterFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node itself, and no other."""
    cut = Mock()
    monkeypatch.setattr(power, "cut", cut)
    machines.stop("lab-worker")
    assert [each.args[0].name for each in cut.call_args_list] == ["lab-worker"]


def test_a_started_node_is_awaited_alone(
    machines: ClusterFaults, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]
) -> None:
    """Another one may still be off."""
    waited = Mock()
    monkeypatch.setattr(kind, "await_nodes", waited)
    machines.start("lab-worker2")
    assert commands == [["docker", "start", "lab-worker2"]]
    assert waited.call_args.args[1] == ["lab-worker2"]


def test_attempts_are_forgotten_on_every_node_that_is_on(
    machines: ClusterFaults, commands: list[list[str]]
) -> None:
    """Only those that nobody answered: the others' clients still talk."""
    machines.forget_attempts()
    assert {argv[2] for argv in commands} == {"lab-worker", "lab-control-plane"}
    assert all("--state SYN_SENT" in argv[-1] for argv in commands)


def test_an_unknown_node_is_refused_before_anything_happens(
    machines: ClusterFaults, commands: list[list[str]]
) -> None:
    """Its name would otherwise reach a command that kills containers; the balancer is none."""
    for act in (machines.stop, machines.start, machines.cut):
        for name in ("somebody-else", "lab-balancer"):
            with pytest.raises(UnknownName):
                act(name)
    assert commands == []


def test_a_cut_off_node_does_not_reach_the_api_by_the_balancer_either(
    machines: ClusterFaults, commands: list[list[str]]
) -> None:
    """All that are on are on the other side; what is off has no address."""
    machines.cut("lab-worker")
    (rules,) = (argv[-1] for argv in commands if "-j DROP" in argv[-1])
    for address in ("172.18.0.2", "172.18.0.3"):
        assert f"-s {address} -j DROP" in rules
    assert rules.count(" -j DROP") == 4
    assert {argv[2] for argv in commands} == {"lab-worker"}


def test_a_node_alone_cannot_be_cut_off(
    machines: ClusterFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nobody on the other side."""
    alone = [container("lab-worker", "worker", "172.18.0.4")]
    monkeypatch.setattr(k8s_nodes, "containers", lambda: alone)
    with pytest.raises(OrchlabError, match="no peers"):
        machines.cut("lab-worker")


def test_only_nodes_that_run_are_mended(
    machines: ClusterFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is off has lost its filter with its network."""
    mended: list[str] = []
    monkeypatch.setattr(partition, "mend", mended.append)
    machines.mend()
    assert sorted(mended) == ["lab-control-plane", "lab-worker"]


@pytest.fixture
def store() -> Mock:
    """An image store whose engine has no image of the name that kind wants."""
    images = Mock()
    images.present.return_value = None
    images.ensure.return_value = Image("orchlab/kind-balancer:1", "sha256:1")
    return images


def test_the_balancer_has_kind_s_name_only_while_kind_works(store: Mock) -> None:
    """Also when kind fails: what the lab builds is not what that name says."""

    def fail() -> None:
        with balancer.lent(store):
            repository, tag = store.client.images.get.return_value.tag.call_args.args
            assert f"{repository}:{tag}" == balancer.WANTED
            store.client.images.remove.assert_not_called()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    store.client.images.remove.assert_called_once_with(balancer.WANTED, noprune=True)


def test_an_image_of_kind_s_name_that_is_there_is_used(store: Mock) -> None:
    """It is somebody's, and kind would take it anyway."""
    store.present.return_value = Image(balancer.WANTED, "sha256:2")
    with balancer.lent(store):
        pass
    store.ensure.assert_not_called()
    store.client.images.remove.assert_not_called()


def test_the_public_balancer_is_the_one_that_kind_wants() -> None:
    """Where images can be pulled, kind gets what it asks for."""
    assert f"docker.io/{CATALOGUE[balancer.NAME].public}" == balancer.WANTED


LISTENERS = """resources:
- "@type": type.googleapis.com/envoy.config.listener.v3.Listener
  address:
    socket_address:
      address: "0.0.0.0"
      port_value: 6443
"""
SERVERS = """resources:
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  load_assignment:
    endpoints:
    - lb_endpoints:
      - endpoint:
          address:
            socket_address:
              address: lab-control-plane
              port_value: 6443
      - endpoint:
          address:
            socket_address:
              address: lab-control-plane2
              port_value: 6443
"""


def test_the_balancer_reads_what_kind_writes_for_envoy(tmp_path: Path) -> None:
    """Port and servers of Envoy's files become those of HAProxy."""
    (tmp_path / "lds.yaml").write_text(LISTENERS)
    (tmp_path / "cds.yaml").write_text(SERVERS)
    haproxy = tmp_path / "haproxy"
    haproxy.write_text('#!/bin/sh\ncat "$3"\n')
    haproxy.chmod(0o755)
    said = subprocess.run(
        ["sh", DOCKERFILES / "kind-balancer" / "envoy", "-c", tmp_path / "envoy.yaml"],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    ).stdout
    assert "bind *:6443\n" in said
    for name in ("lab-control-plane", "lab-control-plane2"):
        assert f"    server {name} {name}:6443\n" in said
