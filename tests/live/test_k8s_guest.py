"""The app as a guest of somebody's cluster, whose user has rights on one namespace alone.

The cluster is the session's own; the user is a ServiceAccount with the rights of
``k8s/guest/role.yaml``, which so turn out to be enough.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import yaml

from orchlab import labels, paths
from orchlab.errors import UsageError
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.images.store import ImageStore
from orchlab.measuring import measure_once
from orchlab.platforms import serving
from orchlab.platforms.base import NodeFaults, Platform, Release
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import existing as k8s_existing
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.k8s.existing import ExistingKubernetes
from orchlab.results import RunDir
from orchlab.wait import wait_until
from tests.live.commands import invoke

pytestmark = pytest.mark.only("k8s")

CONTEXT = "visitor"
NAMESPACE = "shop"
ENDED_S = 30.0
CANNOT = 'cannot list resource "nodes"'


@pytest.fixture(scope="module")
def cluster(platform: Platform) -> Kubernetes:
    """The adapter with all that it can do beyond a platform."""
    return cast("Kubernetes", platform)


@pytest.fixture(scope="module")
def kubeconfig(cluster: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The visitor's kubeconfig: a context of that name with a namespace of its own."""
    run = cluster.control.run
    run("create", "namespace", NAMESPACE)
    try:
        where = ("-n", NAMESPACE)
        run("apply", *where, "-f", paths.K8S / "guest" / "role.yaml")
        run("create", *where, "serviceaccount", CONTEXT)
        run(
            *("create", *where, "rolebinding", CONTEXT, "--role=orchlab"),
            f"--serviceaccount={NAMESPACE}:{CONTEXT}",
        )
        token = run("create", *where, "token", CONTEXT, echo=False).strip()
        path = tmp_path_factory.mktemp("visitor") / "kubeconfig"
        path.write_text(yaml.safe_dump(for_token(token)))
        yield path
    finally:
        run("delete", "namespace", NAMESPACE)


def for_token(token: str) -> dict[str, object]:
    """The session's cluster for somebody with this token; no context is the current one."""
    own = yaml.safe_load(k8s_api.kubeconfig().read_text())
    name = own["clusters"][0]["name"]
    context = {"cluster": name, "user": CONTEXT, "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": own["clusters"],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": context}],
    }


@pytest.fixture
def registry(cluster: Kubernetes) -> str:
    """The port by which the registry is pushed to, and its name for the nodes."""
    return f"127.0.0.1:{cluster.registry.port}={cluster.registry.host}"


@pytest.fixture
def there(kubeconfig: Path) -> Callable[..., str]:
    """Run a task on the visitor's cluster; the kubeconfig must be as it was before."""

    def run(*words: str, status: int = 0) -> str:
        before = (kubeconfig.read_bytes(), kubeconfig.stat().st_mtime_ns)
        said = invoke(*words, f"--context={CONTEXT}", status=status, KUBECONFIG=str(kubeconfig))
        assert (kubeconfig.read_bytes(), kubeconfig.stat().st_mtime_ns) == before
        return said

    return run


def left(cluster: Kubernetes) -> str:
    """What of the guest is in the namespace, and every pod and claim."""
    where = ("-n", NAMESPACE, "-o", "name")
    mine = cluster.control.run("get", k8s_existing.RELEASE, "-l", labels.KEY, *where)
    return mine + cluster.control.run("get", "pods,pvc", *where)


def test_the_app_lives_on_somebody_s_cluster(
    cluster: Kubernetes, there: Callable[..., str], registry: str
) -> None:
    """Deployed, looked at, scaled, updated, taken back and removed, with rights on a namespace."""
    images = f"--registry={registry}"
    cluster.control.run("create", "configmap", "somebodys", "-n", NAMESPACE)
    try:
        said = there("k8s-deploy", "--replicas=2", images)
        url = re.findall(r"http://\S+:\d+", said)[-1]
        await_version(url, "1")
        said = there("k8s-status")
        assert CANNOT in said
        assert len(re.findall(r"\| web-\S+ .*\| ready", said)) == 2
        there("k8s-scale", "--replicas=3")
        there("k8s-update", "--app-version=2", images)
        await_version(url, "2")
        there("k8s-rollback")
        await_version(url, "1")
        assert "web-" in there("k8s-logs")
        node = cluster.replicas()[0].node
        assert "not the lab's own" in there("k8s-drain", node, status=2)
        assert all(each.ready for each in cluster.replicas())
    finally:
        there("k8s-down")
    assert left(cluster) == ""
    assert "somebodys" in cluster.control.run("get", "configmaps", "-n", NAMESPACE, "-o", "name")


def await_version(url: str, version: str) -> None:
    """Return when that version answers there.

    After a change no replica may be left on that node: then nobody has waited for its kube-proxy,
    which for a moment may lead to replicas that are on their way out, or gone.
    """
    told: list[str | None] = []

    def answers() -> bool:
        told.append(serving.get(url, "/whoami"))
        return told[-1] is not None and json.loads(told[-1])["version"] == version

    wait_until(
        f"version {version} answers", answers, timeout=ENDED_S, state=lambda: f"told: {told[-3:]}"
    )


@pytest.fixture
def visitor(
    kubeconfig: Path, registry: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> ExistingKubernetes:
    """The adapter of the visitor's cluster, as a comparison makes it."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setattr(ExistingKubernetes, "directory", tmp_path / "release")
    make = k8s_existing.named(CONTEXT, registry_address=registry, probed=True)
    assert make
    return make(ImageStore())


def test_what_is_somebody_s_own_is_not_taken_over(
    cluster: Kubernetes, visitor: ExistingKubernetes, release: Release
) -> None:
    """A Service of the same name is refused, and nothing is added beside it."""
    run, where = cluster.control.run, ("-n", NAMESPACE)
    run("create", "service", "clusterip", "web", "--tcp=80", *where)
    try:
        with pytest.raises(UsageError, match="Service web"):
            visitor.deploy(release)
    finally:
        run("delete", "service", "web", *where)
    assert left(cluster) == ""


def test_experiments_that_break_nothing_run_on_somebody_s_cluster(
    cluster: Kubernetes, visitor: ExistingKubernetes, release: Release, tmp_path: Path
) -> None:
    """One that needs faults is refused, with the reason, as facts that need the cluster are.

    The namespace admits only pods that pass the strictest standard, as a careful owner's does.
    """
    strict = "pod-security.kubernetes.io/enforce=restricted"
    cluster.control.run("label", "namespace", NAMESPACE, strict)
    release = replace(release, replicas=2)
    visitor.create()
    visitor.deploy(release)
    facts = visitor.facts()
    balance, crash = (
        measure_once(EXPERIMENTS[name](), visitor, release, RunDir(tmp_path))
        for name in ("balance", "crash")
    )
    visitor.delete()
    assert balance.verdict == "pass", balance
    assert crash.verdict == "unsupported"
    assert "not the lab's own" in crash.summary
    assert not isinstance(visitor, NodeFaults)
    assert facts.versions["kubernetes"] == cluster.control.api.release()
    assert facts.versions["containerd"].startswith(f"unknown: {CANNOT}")
    assert facts.knobs["node lease"].startswith("unknown: cannot get resource")
    assert facts.knobs["redis appendfsync"] == "always"
    assert left(cluster) == ""
