"""A cluster of somebody's: what is done as a guest there, and what is not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from orchlab import labels, lifecycle
from orchlab.apps import LABS_OWN
from orchlab.errors import CommandFailed, HostUnfit, UsageError
from orchlab.images.store import Image, ImageStore
from orchlab.platforms import base, elsewhere, serving
from orchlab.platforms.base import Endpoint, Replica
from orchlab.platforms.k8s import access as k8s_access
from orchlab.platforms.k8s import existing as k8s_existing
from orchlab.platforms.k8s import guest as k8s_guest
from orchlab.platforms.k8s.access import Access
from orchlab.platforms.k8s.app import KubernetesApp
from orchlab.platforms.k8s.existing import ExistingKubernetes
from orchlab.platforms.k8s.rollout import Rollouts

THERE = Access("/home/me/kubeconfig", "far", "shop")
REFUSED = CommandFailed(["kubectl"], 1, "Error from server (Forbidden)")
MINE = f"-l {labels.KEY}={labels.LAB}"


@pytest.fixture
def existing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ExistingKubernetes:
    """The app as a guest in `shop`; what is done there is recorded, not carried out."""
    monkeypatch.setattr(ExistingKubernetes, "directory", tmp_path / "release")
    monkeypatch.setattr(k8s_existing, "REACH_S", 0.0)
    made = ExistingKubernetes(
        Mock(spec=ImageStore, subject=LABS_OWN), THERE, "registry.example:5000"
    )
    made.control = Mock(namespace="shop", access=THERE, elsewhere=True)
    made.control.run.return_value = ""
    made.control.api.pods.return_value = []
    return made


def commands(existing: ExistingKubernetes) -> list[str]:
    """The words of each ``kubectl``."""
    calls = existing.control.run.call_args_list  # type: ignore[attr-defined]
    return [" ".join(map(str, each.args)) for each in calls]


def pod(name: str, host: str = "192.0.2.1", *, ready: bool = True, **marks: str) -> SimpleNamespace:
    """A pod on a node named like its address."""
    condition = SimpleNamespace(type="Ready", status="True" if ready else "False")
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name, labels=marks),
        spec=SimpleNamespace(node_name=f"node-{host}"),
        status=SimpleNamespace(host_ip=host, conditions=[condition]),
    )


def test_somebody_s_cluster_has_no_faults_of_nodes_or_processes(
    existing: ExistingKubernetes,
) -> None:
    """Experiments that need them find them missing, and are told why."""
    offered = (base.Platform, base.Scalable, base.Updatable, base.Observable, base.StoreFaults)
    for capability in offered:
        assert isinstance(existing, capability), capability
    refused = (base.NodeFaults, base.ReplicaFaults, base.HangFaults, base.StoreCrash)
    for capability in (*refused, base.Drainable):
        assert not isinstance(existing, capability), capability
    assert isinstance(existing, base.Guarded)


def test_a_drain_of_somebody_s_node_is_refused_with_the_reason(
    existing: ExistingKubernetes,
) -> None:
    """Nothing is asked of the cluster before."""
    with pytest.raises(UsageError, match="not the lab's own"):
        lifecycle.drainable(existing)
    assert commands(existing) == []


def test_nodes_are_entered_at_their_own_addresses(existing: ExistingKubernetes) -> None:
    """Those that run a ready replica: nodes as such may not be listed. IPv6 in brackets."""
    existing.control.api.pods.return_value = [
        *(pod("web-a"), pod("web-b"), pod("web-c", "192.0.2.9", ready=False)),
        pod("web-d", "2001:db8::2"),
    ]
    existing.control.api.node_port.return_value = 31000
    assert [each.url for each in existing.endpoints()] == [
        "http://192.0.2.1:31000",
        "http://[2001:db8::2]:31000",
    ]
    existing.control.api.pods.return_value = []
    assert existing.endpoints() == []


def test_a_release_is_tried_before_anything_is_changed(existing: ExistingKubernetes) -> None:
    """By the API server itself, which knows the rights and what is admitted."""
    existing.apply()
    assert [each.rpartition("/release")[2] for each in commands(existing)[1:]] == [
        " --dry-run=server",
        "",
    ]


def test_a_release_that_is_refused_changes_nothing(existing: ExistingKubernetes) -> None:
    """The hint names the file with the rights."""
    existing.control.run.side_effect = REFUSED  # type: ignore[attr-defined]
    with pytest.raises(CommandFailed, match="Forbidden") as caught:
        existing.apply()
    assert "role.yaml" in caught.value.hint
    assert len(commands(existing)) == 1


def test_what_somebody_else_made_is_not_taken_over(existing: ExistingKubernetes) -> None:
    """Neither by its name nor by its labels; the lab's own may be there already."""
    listing = f"Service web {labels.LAB}\nDeployment web <none>\nStatefulSet redis another\n"
    existing.control.run.return_value = listing  # type: ignore[attr-defined]
    own = (pod("web-a", **{"orchlab.variant": "defaults"}), pod("redis-0", app="redis"))
    existing.control.api.pods.return_value = [*own, pod("shop-web-1", app="web")]
    with pytest.raises(UsageError) as caught:
        existing.apply()
    assert caught.value.message.endswith("Deployment web, StatefulSet redis, Pod shop-web-1")
    assert len(commands(existing)) == 1


@pytest.mark.parametrize("act", ["scale", "rollback", "update"])
def test_a_deployment_of_somebody_s_is_left_alone(existing: ExistingKubernetes, act: str) -> None:
    """Its name is a common one."""
    found = SimpleNamespace(metadata=SimpleNamespace(labels={"app": "web"}))
    existing.control.api.deployment.return_value = found
    with pytest.raises(UsageError, match="web in namespace shop is not this lab's"):
        getattr(Rollouts(existing.control), act)(3)
    assert commands(existing) == []
    existing.control.elsewhere = False  # type: ignore[misc]
    assert Rollouts(existing.control).find() is found


def test_the_app_leaves_with_its_data_and_takes_nothing_else(existing: ExistingKubernetes) -> None:
    """By label; the claim, which has none, only where its StatefulSet is the lab's."""
    existing.control.run.return_value = "statefulset.apps/redis\n"  # type: ignore[attr-defined]
    existing.directory.mkdir()
    existing.delete()
    asked, claim, rest, gone = commands(existing)
    assert asked == f"get statefulsets -n shop {MINE} -o name"
    assert claim == "delete -n shop pvc data-redis-0 --ignore-not-found --wait=false"
    assert rest.startswith("delete deployments,")
    assert f"-n shop {MINE} --cascade=foreground" in rest
    assert gone.startswith("wait -n shop --for=delete pvc/data-redis-0")
    assert not existing.directory.exists()


def test_a_claim_of_somebody_s_stays(existing: ExistingKubernetes) -> None:
    """Its name is a common one, too."""
    existing.undeploy()
    assert not [each for each in commands(existing) if "pvc" in each]


SERVED = [Replica("web-a", "c1", "node1", ready=True)]


@pytest.fixture
def routed(existing: ExistingKubernetes, monkeypatch: pytest.MonkeyPatch) -> ExistingKubernetes:
    """One replica, which the Service leads to."""
    monkeypatch.setattr(KubernetesApp, "replicas", lambda _self: SERVED)
    ports = [Endpoint("node1", "http://192.0.2.1:31000")]
    monkeypatch.setattr(ExistingKubernetes, "endpoints", lambda _self: ports)
    endpoint = SimpleNamespace(
        target_ref=SimpleNamespace(name="web-a"), conditions=SimpleNamespace(ready=True)
    )
    slices = [SimpleNamespace(endpoints=[endpoint]), SimpleNamespace(endpoints=None)]
    existing.control.api.slices.return_value = slices
    return existing


def test_ports_that_answer_are_asked_as_on_a_cluster_of_the_lab(
    routed: ExistingKubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every one, until all replicas were met."""
    wait = Mock()
    monkeypatch.setattr(serving, "get", lambda *_: "up")
    monkeypatch.setattr(serving, "wait", wait)
    routed.await_serving(1)
    wait.assert_called_once()


def test_ports_out_of_reach_are_no_failure_of_a_deployment(
    routed: ExistingKubernetes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is said that nobody asked from outside, and how one can."""
    monkeypatch.setattr(serving, "get", lambda *_: None)
    routed.await_serving(1)
    assert "k8s-forward --context far" in capsys.readouterr().err


def test_ports_out_of_reach_end_a_comparison(
    routed: ExistingKubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every probe would count as a failure of the platform."""
    monkeypatch.setattr(serving, "get", lambda *_: None)
    routed.probed = True
    with pytest.raises(HostUnfit, match=r"192\.0\.2\.1:31000"):
        routed.await_serving(1)


def test_images_go_through_the_given_registry() -> None:
    """Without one, the hint names the option."""
    existing = ExistingKubernetes(Mock(spec=ImageStore), THERE)
    with pytest.raises(UsageError) as caught:
        existing.publish(Image("orchlab/app:1", "sha256:0"))
    assert "--registry" in caught.value.hint


def test_a_registry_without_a_cluster_elsewhere_is_a_mistake() -> None:
    """It would be ignored: the lab's own cluster has its own."""
    with pytest.raises(UsageError, match="elsewhere"):
        k8s_existing.named("", registry_address="registry.example:5000")
    assert k8s_existing.named("") is None


def test_a_comparison_may_go_to_both_or_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry serves those that are named; unreachable ports end it."""
    monkeypatch.setattr(k8s_access, "find", lambda context, _namespace: THERE if context else None)
    found = elsewhere.named("", "", "far", "shop", "registry.example:5000")
    assert list(found) == ["k8s"]
    made = found["k8s"](Mock(spec=ImageStore))
    assert isinstance(made, ExistingKubernetes)
    assert made.probed
    assert list(elsewhere.named("", "ssh://me@far", "far", "", "r")) == ["swarm", "k8s"]
    assert elsewhere.named("", "", "", "", "") == {}
    with pytest.raises(UsageError, match="elsewhere"):
        elsewhere.named("", "", "", "", "registry.example:5000")


def test_the_column_of_the_labs_label_can_be_read() -> None:
    """A dot within a name has to be escaped for `kubectl`."""
    assert k8s_guest.COLUMNS.endswith(r"LAB:.metadata.labels.orchlab\.lab")
