"""The HorizontalPodAutoscaler: its files, its words, its end."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from urllib3.exceptions import MaxRetryError

from orchlab import labels, paths
from orchlab.errors import OrchlabError, UsageError
from orchlab.images.catalogue import METRICS_SERVER, find
from orchlab.platforms.autoscaling import Policy
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import autoscale
from orchlab.platforms.k8s import autoscaler as k8s_autoscaler
from orchlab.platforms.k8s import metrics as k8s_metrics
from orchlab.platforms.k8s import rollout as k8s_rollout
from orchlab.platforms.k8s.autoscaler import Autoscaler
from orchlab.tasks import k8s as k8s_tasks

METRICS = paths.K8S / "metrics-server"
POLICY = Policy(2, 6, 50)
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def documents(path: Path) -> dict[str, dict[str, Any]]:
    """Kind -> object, of a file with one of each."""
    return {each["kind"]: each for each in yaml.safe_load_all(path.read_text())}


def hpa(
    current: int = 3, desired: int = 3, usage: str | None = "250m", **true: str
) -> SimpleNamespace:
    """An autoscaler as the client shows it; ``true``: conditions that hold, with their reasons."""
    measured = SimpleNamespace(
        resource=SimpleNamespace(current=SimpleNamespace(average_value=usage))
    )
    conditions = [
        SimpleNamespace(type=kind, status="True", reason=reason) for kind, reason in true.items()
    ]
    status = SimpleNamespace(
        current_replicas=current,
        desired_replicas=desired,
        current_metrics=[measured] if usage else None,
        conditions=conditions or [SimpleNamespace(type="X", status="False", reason="Y")],
    )
    return SimpleNamespace(status=status, metadata=SimpleNamespace(uid="hpa-1"))


def event(uid: str, text: str, count: int = 1, about: str = "hpa-1") -> SimpleNamespace:
    """An event as the client shows it."""
    return SimpleNamespace(
        metadata=SimpleNamespace(uid=uid, creation_timestamp=NOW),
        involved_object=SimpleNamespace(uid=about),
        reason="SuccessfulRescale",
        message=text,
        count=count,
        series=None,
        last_timestamp=NOW,
        event_time=None,
    )


def test_the_file_is_what_the_task_does_by_default() -> None:
    """Who applies k8s/autoscale by hand gets what `k8s-autoscale` without options does."""
    spec = documents(autoscale.DIRECTORY / "web.yaml")[autoscale.KIND]["spec"]
    given = inspect.signature(k8s_tasks.k8s_autoscale.body).parameters
    default = {name: given[name].default for name in given if name != "_"}
    assert spec["minReplicas"] == default["min_"]
    assert spec["maxReplicas"] == default["max_"]
    target = spec["metrics"][0]["resource"]["target"]
    assert target == {"type": "AverageValue", "averageValue": f"{default['target_cpu'] * 10:g}m"}
    for way, name in (("scaleUp", "up_window"), ("scaleDown", "down_window")):
        assert spec["behavior"][way]["stabilizationWindowSeconds"] == default[name]


def test_every_patch_of_the_policy_replaces_something(tmp_path: Path) -> None:
    """Kustomize would refuse a path that the file does not have."""
    content = autoscale.kustomization(tmp_path, Policy(2, 6, 25, 5, 20), 0.5)
    spec = documents(autoscale.DIRECTORY / "web.yaml")[autoscale.KIND]
    values: dict[str, list[object]] = {}
    for each in yaml.safe_load(content["patches"][0]["patch"]):
        assert each["op"] == "replace"
        at: Any = spec
        for key in each["path"].strip("/").split("/"):
            at = at[int(key)] if isinstance(at, list) else at[key]
        values.setdefault(key, []).append(each["value"])
    assert values == {
        "minReplicas": [2],
        "maxReplicas": [6],
        "averageValue": ["125m"],
        "stabilizationWindowSeconds": [5, 20],
    }
    assert (tmp_path / content["resources"][0]).resolve() == autoscale.DIRECTORY
    assert content["labels"][0]["pairs"][labels.KEY] == labels.LAB


def test_a_window_that_kubernetes_refuses_is_refused_before_anything_is_done() -> None:
    """It knows an hour at most."""
    autoscale.require_possible(Policy(1, 2, 50, 3600, 3600))
    with pytest.raises(UsageError, match="3600 s"):
        autoscale.require_possible(Policy(1, 2, 50, 0, 3601))


@pytest.mark.parametrize(
    ("resources", "share"),
    [
        (None, 1.0),
        (SimpleNamespace(limits=None), 1.0),
        (SimpleNamespace(limits={"memory": "1Gi"}), 1.0),
        (SimpleNamespace(limits={"cpu": "1500m"}), 1.5),
    ],
)
def test_a_replicas_share_is_its_limit_or_a_core(resources: object, share: float) -> None:
    """As for the Swarm's autoscaler, so that a percentage means the same on both."""
    container = SimpleNamespace(resources=resources)
    template = SimpleNamespace(spec=SimpleNamespace(containers=[container]))
    assert autoscale.cores(SimpleNamespace(spec=SimpleNamespace(template=template))) == share


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (hpa(3, 5, "900m"), "3 replicas, CPU 90 %, target 50 %: now 5"),
        (hpa(3, 3, None), "3 replicas, CPU not known yet, target 50 %: no change"),
        (hpa(3, 3, "0"), "3 replicas, CPU 0 %, target 50 %: no change"),
        (
            hpa(3, 3, "10m", AbleToScale="ScaleDownStabilized"),
            "3 replicas, CPU 1 %, target 50 %: another number would do; waiting for the window",
        ),
        (
            hpa(6, 6, "1", AbleToScale="ReadyForNewScale", ScalingLimited="TooManyReplicas"),
            "6 replicas, CPU 100 %, target 50 %: no change, more than --max would be needed",
        ),
    ],
)
def test_what_it_decides_is_one_line(found: object, said: str) -> None:
    """What was seen and what follows, in the words of the Swarm's autoscaler."""
    assert autoscale.sentence(found, POLICY, 1.0) == said


def test_only_its_own_events_are_news() -> None:
    """An event that happens again is another; those of an earlier autoscaler are not asked for."""
    events = [event("a", "New size: 4"), event("a", "New size: 4", 2), event("b", "x", 1, "hpa-0")]
    assert autoscale.news(events, hpa()) == {
        ("a", 1): "SuccessfulRescale: New size: 4",
        ("a", 2): "SuccessfulRescale: New size: 4",
    }


# --- the autoscaler's life --------------------------------------------------------------


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mock:
    """A cluster with the app; what is done to it is recorded."""
    monkeypatch.setattr(k8s_api, "kubeconfig", lambda: tmp_path / "kubeconfig")
    monkeypatch.setattr(autoscale, "cores", lambda _deployment: 1.0)
    web = SimpleNamespace(spec=SimpleNamespace(replicas=4))
    monkeypatch.setattr(k8s_rollout.Rollouts, "require", lambda _self: web)
    control = Mock(namespace="orchlab")
    control.api.events.return_value = []
    return control


def looks(monkeypatch: pytest.MonkeyPatch, *seen: object) -> None:
    """What the cluster answers, one look after the other; an exception is raised."""
    answers = iter(seen)

    def find(_control: object) -> object:
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(k8s_autoscaler, "find", find)


def commands(control: Mock) -> list[str]:
    """The words of each ``kubectl``, without paths."""
    return [" ".join(map(str, each.args[:4])).split("/")[0] for each in control.run.call_args_list]


def test_it_is_followed_and_ends_with_the_command(
    cluster: Mock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What does not change is said once; Ctrl-C removes it and leaves the replicas."""
    pods = hpa(3, 4, "900m")
    unanswered = MaxRetryError(None, "/")  # type: ignore[arg-type]
    looks(monkeypatch, hpa(), hpa(), unanswered, pods, KeyboardInterrupt())
    cluster.api.events.side_effect = [[], [], [event("a", "New size: 4")]]
    Autoscaler(cluster, POLICY, Mock()).run()
    said = capsys.readouterr()
    assert [line[10:] for line in said.out.splitlines()] == [
        "3 replicas, CPU 25 %, target 50 %: no change",
        "SuccessfulRescale: New size: 4",
        "3 replicas, CPU 90 %, target 50 %: now 4",
    ]
    assert "stopped; 4 replicas stay" in said.err
    assert commands(cluster) == ["apply -k ", "delete hpa -n orchlab"]


def test_one_that_somebody_removes_ends_the_command(
    cluster: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Following nothing would look like a quiet load."""
    looks(monkeypatch, hpa(), None)
    with pytest.raises(OrchlabError, match="removed the autoscaler"):
        Autoscaler(cluster, POLICY, Mock()).run()


def test_a_number_is_not_set_against_an_autoscaler(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be taken back within seconds; the way out is named."""
    looks(monkeypatch, hpa(), None)
    with pytest.raises(UsageError, match="an autoscaler sets") as error:
        k8s_autoscaler.require_none(Mock())
    assert "delete hpa web" in error.value.hint
    k8s_autoscaler.require_none(Mock())


# --- metrics-server ---------------------------------------------------------------------


def test_metrics_server_is_one_version_everywhere() -> None:
    """The image that is pulled, the module that is compiled and the manifest agree."""
    public = find(k8s_metrics.NAME).public
    assert public.endswith(f":{METRICS_SERVER.version('sigs.k8s.io/metrics-server')}")
    deployment = documents(METRICS / "base" / "metrics-server.yaml")["Deployment"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == public
    (image,) = yaml.safe_load((METRICS / "kind" / "kustomization.yaml").read_text())["images"]
    assert image["name"] == public.rpartition(":")[0]


def test_metrics_server_is_compiled_from_the_clusters_own_libraries() -> None:
    """Its client is of the Kubernetes that the node image is built from."""
    from orchlab.images.node import programs

    version = programs.kubernetes().version("k8s.io/client-go")
    assert METRICS_SERVER.version("k8s.io/client-go") == version


def test_metrics_server_gives_up_every_right() -> None:
    """Its namespace enforces the strictest standard, and its pod has limits."""
    found = documents(METRICS / "base" / "metrics-server.yaml")
    enforced = found["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted"
    spec = found["Deployment"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"].keys() == {"requests", "limits"}


def test_kubelets_are_trusted_blindly_on_kind_alone() -> None:
    """The flag is nowhere in what a cluster of one's own gets."""
    flag = "--kubelet-insecure-tls"
    assert not any(flag in path.read_text() for path in (METRICS / "base").iterdir())
    kind = yaml.safe_load((METRICS / "kind" / "kustomization.yaml").read_text())
    (patch,) = yaml.safe_load(kind["patches"][0]["patch"])
    assert patch["value"] == flag


def test_metrics_server_is_there_when_it_has_measured_the_app(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the lab's image; while the API has no answer it is asked again."""
    monkeypatch.setattr(k8s_api, "kubeconfig", lambda: tmp_path / "kubeconfig")
    answers = iter([MaxRetryError(None, "/"), [], ["web-1"]])  # type: ignore[arg-type]

    def measured(_control: object) -> list[str]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(k8s_metrics, "measured", measured)
    control = Mock()
    k8s_metrics.ensure(control, "lab-registry:5000/orchlab/metrics-server:f00d")
    assert next(answers, None) is None
    written = yaml.safe_load((tmp_path / "metrics-server" / "kustomization.yaml").read_text())
    (image,) = written["images"]
    assert image["newName"] == "lab-registry:5000/orchlab/metrics-server"
    assert image["newTag"] == "f00d"
    control.run.assert_called_once_with("apply", "-k", tmp_path / "metrics-server")
