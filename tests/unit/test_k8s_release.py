"""The kustomization of a release, and the manifests below it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from orchlab import labels, paths
from orchlab.platforms import k8s_facts, k8s_release

IMAGES = {
    "orchlab/app": "lab-registry:5000/orchlab/app:1-abc",
    "orchlab/redis": "lab-registry:5000/orchlab/redis:8",
}


@pytest.mark.parametrize("path", sorted(paths.K8S.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_file_below_k8s_is_yaml_of_a_kind(path: Path) -> None:
    """Each document can be read by hand-driven tools: it names its kind and API version."""
    for document in yaml.safe_load_all(path.read_text()):
        assert {"apiVersion", "kind"} <= document.keys()


def test_a_release_sets_images_replicas_and_labels_over_the_base(tmp_path: Path) -> None:
    """The file holds only references to the base and what differs from it."""
    k8s_release.write(tmp_path / "release", IMAGES, 5)
    written = yaml.safe_load((tmp_path / "release" / "kustomization.yaml").read_text())
    assert written["images"] == [
        {
            "name": "orchlab-registry:5000/orchlab/app",
            "newName": "lab-registry:5000/orchlab/app",
            "newTag": "1-abc",
        },
        {
            "name": "orchlab-registry:5000/orchlab/redis",
            "newName": "lab-registry:5000/orchlab/redis",
            "newTag": "8",
        },
    ]
    assert written["replicas"] == [{"name": "web", "count": 5}]
    assert written["labels"][0]["pairs"][labels.KEY] == labels.LAB


def test_a_release_points_at_the_base_by_a_relative_path(tmp_path: Path) -> None:
    """Kustomize refuses absolute resources, so the path starts from the release."""
    directory = tmp_path / "release"
    directory.mkdir()
    (resource,) = k8s_release.kustomization(directory, IMAGES, 3)["resources"]
    assert not Path(resource).is_absolute()
    assert (directory / resource).resolve() == (paths.K8S / "base").resolve()


def test_the_base_maps_every_image_of_its_manifests() -> None:
    """No manifest names an image that the kustomization would leave as it is."""
    used = {
        container["image"]
        for path in k8s_release.BASE.glob("*.yaml")
        for document in yaml.safe_load_all(path.read_text())
        if document["kind"] in ("Deployment", "StatefulSet")
        for container in document["spec"]["template"]["spec"]["containers"]
    }
    assert used == set(k8s_release.base_names())


def test_the_published_node_port_is_the_services() -> None:
    """The Service listens where the nodes' port mappings lead."""
    config = yaml.safe_load((paths.K8S / "kind.yaml").read_text())
    mapped = {node["extraPortMappings"][0]["containerPort"] for node in config["nodes"]}
    service = next(
        document
        for document in yaml.safe_load_all((k8s_release.BASE / "web.yaml").read_text())
        if document["kind"] == "Service"
    )
    assert mapped == {service["spec"]["ports"][0]["nodePort"]}


def test_knobs_that_no_manifest_sets_are_marked_as_defaults() -> None:
    """A value from the API is a default unless the file in k8s/ has it."""
    container = {"readinessProbe": {"periodSeconds": 10, "timeoutSeconds": 1}}
    reported = {"spec": {"template": {"spec": {"containers": [container]}}}}
    written = {
        "spec": {"template": {"spec": {"containers": [{"readinessProbe": {"periodSeconds": 10}}]}}}
    }
    found = k8s_facts.knobs(reported, written)
    assert found["readiness period"] == "10 s"
    assert found["readiness time-out"] == "1 s (default)"
    assert found["preStop"] == "none (default)"


def test_the_base_leaves_every_timer_alone() -> None:
    """The defaults variant sets none of the knobs that the lab prints."""
    written = k8s_facts.declared("web.yaml")
    assert all(value.endswith("(default)") for value in k8s_facts.knobs({}, written).values())


def test_the_kubelets_empty_timers_are_kubernetes_defaults() -> None:
    """What a kubelet reports is shown; what it leaves empty is named as the default."""
    reported = {"nodeLeaseDurationSeconds": 20, "nodeStatusUpdateFrequency": "10s"}
    found = k8s_facts.kubelet_knobs(reported)
    assert found["node lease"] == "20 s"
    assert found["node status every"] == "10 s (default)"
    assert found["restart back-off, longest"] == "300 s (default)"


def test_the_network_plugin_is_known_by_its_image() -> None:
    """The first image of a known plugin gives name and version."""
    images = ["registry.example/coredns:v1.14.2", "docker.io/flannel:v0.28.4"]
    assert k8s_facts.cni(images) == "flannel v0.28.4"
    assert k8s_facts.cni([]) == "unknown"


@pytest.mark.parametrize(
    ("duration", "shown"),
    [("5m0s", "300 s"), ("1h0m0s", "3600 s"), ("10s", "10 s"), (40, "40 s"), ("500ms", "0.5 s")],
)
def test_durations_are_shown_in_seconds(duration: str | int, shown: str) -> None:
    """Go's notation and plain numbers come out alike."""
    assert k8s_facts.seconds(duration) == shown
