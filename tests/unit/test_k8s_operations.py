"""The adapter's capabilities, without a cluster below it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from orchlab import shell
from orchlab.errors import CommandFailed, OrchlabError, UnknownName, WaitTimeout
from orchlab.images.store import ImageStore
from orchlab.platforms.base import (
    Drainable,
    HangFaults,
    Observable,
    Platform,
    Replica,
    ReplicaFaults,
    Scalable,
    StoreFaults,
    Updatable,
)
from orchlab.platforms.k8s import faults as k8s_faults
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s import policy as k8s_policy
from orchlab.platforms.k8s import status as k8s_status
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.k8s.running import Running
from orchlab.platforms.k8s.store import Store

REPLICA = Replica("web-a", "c1", "lab-worker", ready=True)
STAT = "77 (python3 (main)) {} 1 77 77"


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Kubernetes:
    """Two nodes, Redis on the second."""
    nodes = [SimpleNamespace(name="lab-worker"), SimpleNamespace(name="lab-worker2")]
    monkeypatch.setattr(k8s_nodes, "nodes", lambda: nodes)
    monkeypatch.setattr(Store, "node", lambda _self: "lab-worker2")
    monkeypatch.setattr(Running, "replicas", lambda _self: [REPLICA])
    made = Kubernetes(ImageStore())
    made.control = Mock()
    return made


def processes(monkeypatch: pytest.MonkeyPatch, pids: dict[str, int], state: str = "S") -> Mock:
    """What runs on every node; returns the commands that were given."""
    run = Mock(return_value=STAT.format(state))
    monkeypatch.setattr(k8s_nodes, "task_pids", lambda _node: pids)
    monkeypatch.setattr(shell, "run", run)
    monkeypatch.setattr(k8s_faults, "VERIFIED_S", 0)
    return run


def test_kubernetes_has_the_capabilities_that_it_claims() -> None:
    """The runner asks by protocol, so the adapter must answer to each."""
    claimed = (Platform, ReplicaFaults, HangFaults, StoreFaults, Scalable, Updatable)
    for protocol in (*claimed, Drainable, Observable):
        assert isinstance(Kubernetes(ImageStore()), protocol), protocol


def test_a_hang_is_a_stop_from_the_node(
    platform: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process' own number on its node is signalled, and its state is read back."""
    run = processes(monkeypatch, {"c1": 77}, "T")
    platform.hang(REPLICA)
    assert run.call_args_list[0].args[0] == [
        *("docker", "exec", "lab-worker", "kill", "-STOP", "77")
    ]


def test_a_hang_that_did_not_happen_is_an_error(
    platform: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that goes on running voids the measurement."""
    processes(monkeypatch, {"c1": 77}, "R")
    with pytest.raises(WaitTimeout, match="process 77"):
        platform.hang(REPLICA)


def test_only_a_process_that_runs_can_hang(
    platform: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other process is stopped in its place."""
    run = processes(monkeypatch, {"c2": 78})
    with pytest.raises(OrchlabError, match="runs no process"):
        platform.hang(REPLICA)
    run.assert_not_called()


def test_a_replica_that_was_replaced_needs_no_resuming(
    platform: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone before, or between the question and the signal: both are fine."""
    run = processes(monkeypatch, {})
    platform.resume(REPLICA)
    run.assert_not_called()
    pids = {"c1": 77}
    run = processes(monkeypatch, pids)

    def gone(argv: list[str], **_options: object) -> str:
        pids.clear()
        raise CommandFailed(argv, 1, "no such process")

    run.side_effect = gone
    platform.resume(REPLICA)
    run.assert_called_once()


def test_a_signal_that_is_refused_is_an_error(
    platform: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replica would stay stopped."""
    processes(monkeypatch, {"c1": 77}).side_effect = CommandFailed(["kill"], 1, "not permitted")
    with pytest.raises(CommandFailed):
        platform.resume(REPLICA)


def test_the_node_with_redis_is_not_drained(platform: Kubernetes) -> None:
    """Its volume cannot follow; nothing is cordoned before that is found out."""
    with pytest.raises(OrchlabError, match="holds the volume of Redis"):
        platform.drain("lab-worker2")
    platform.control.run.assert_not_called()  # type: ignore[attr-defined]


def test_an_unknown_node_is_answered_with_the_known_ones(platform: Kubernetes) -> None:
    """For a drain and for its end."""
    for act in (platform.drain, platform.activate):
        with pytest.raises(UnknownName) as error:
            act("lab-worker3")
        assert error.value.hint == "valid names: lab-worker, lab-worker2"


def test_a_drain_that_the_budget_forbids_says_what_it_saw(platform: Kubernetes) -> None:
    """With the way to take it back."""
    refused = CommandFailed(["kubectl"], 1, "evicting\nerror: global timeout reached")
    platform.control.run.side_effect = refused  # type: ignore[attr-defined]
    with pytest.raises(WaitTimeout, match="global timeout reached") as error:
        platform.drain("lab-worker")
    assert "k8s-uncordon lab-worker" in error.value.hint


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("connected\n", "3 applied but not enforced: a forbidden connection was possible"),
        ("dropped\n", "3 applied and enforced: a forbidden connection was dropped"),
    ],
)
def test_policies_are_tried_and_not_believed(said: str, outcome: str) -> None:
    """A plugin that ignores them says so nowhere."""
    control = Mock()
    control.api.policies.return_value = [1, 2, 3]
    control.run.return_value = said
    assert k8s_policy.in_force(control, [REPLICA]) == outcome


def test_what_could_not_be_tried_is_unknown() -> None:
    """Neither a missing replica nor a broken attempt counts as enforcement."""
    control = Mock()
    control.api.policies.return_value = [1]
    control.run.side_effect = CommandFailed(["kubectl"], 1, "Traceback\nOSError: refused")
    assert "enforcement unknown: no replica" in k8s_policy.in_force(control, [])
    assert "enforcement unknown: OSError: refused" in k8s_policy.in_force(control, [REPLICA])
    control.api.policies.return_value = []
    assert k8s_policy.in_force(control, [REPLICA]) == "none (default)"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (2e5, "2 d")]
)
def test_an_age_is_shown_in_the_largest_unit_that_fits(seconds: float, shown: str) -> None:
    """Two of a unit are needed, so that no more than half is rounded away."""
    now = datetime(2030, 1, 2, tzinfo=UTC)
    assert k8s_status.age(now - timedelta(seconds=seconds), now) == shown


def test_an_endpoint_that_leaves_is_not_shown_as_one_that_serves() -> None:
    """Traffic goes to ready endpoints; to a leaving one only if there is no other."""

    def endpoint(address: str, *, ready: bool, serving: bool) -> SimpleNamespace:
        return SimpleNamespace(
            addresses=[address],
            node_name="lab-worker",
            target_ref=SimpleNamespace(name=f"web-{address}"),
            conditions=SimpleNamespace(ready=ready, serving=serving),
        )

    endpoints = [
        endpoint("c", ready=False, serving=False),
        endpoint("b", ready=False, serving=True),
        endpoint("a", ready=True, serving=True),
    ]
    slices = [
        SimpleNamespace(ports=[SimpleNamespace(port=8000)], endpoints=endpoints),
        SimpleNamespace(ports=None, endpoints=None),
    ]
    shown = [(row[0], row[3]) for row in k8s_status.endpoints(slices).rows]
    assert shown == [("a:8000", "yes"), ("b:8000", "only if no other is ready"), ("c:8000", "no")]
