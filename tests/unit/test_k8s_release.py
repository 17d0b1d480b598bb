"""The kustomization of a release, and the manifests below it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.settings import Settings
from orchlab import credentials, labels, paths
from orchlab.images.node import programs
from orchlab.platforms.k8s import release as k8s_release

OVERLAY = k8s_release.VARIANTS["hardened"]
PATCHES = [
    OVERLAY / each["path"]
    for each in yaml.safe_load((OVERLAY / "kustomization.yaml").read_text())["patches"]
]
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
    k8s_release.write(tmp_path / "release", IMAGES, 5, "defaults")
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


@pytest.mark.parametrize("variant", k8s_release.VARIANTS)
def test_a_release_points_at_its_variant_by_a_relative_path(tmp_path: Path, variant: str) -> None:
    """Kustomize refuses absolute resources, so the path starts from the release."""
    directory = tmp_path / "release"
    directory.mkdir()
    (resource,) = k8s_release.kustomization(directory, IMAGES, 3, variant)["resources"]
    assert not Path(resource).is_absolute()
    assert (directory / resource).resolve() == k8s_release.VARIANTS[variant].resolve()


def test_a_guest_release_goes_over_its_variant_into_the_given_namespace(tmp_path: Path) -> None:
    """What a guest leaves out is a component, which a release of the lab's own has not."""
    directory = tmp_path / "release"
    directory.mkdir()
    own = k8s_release.kustomization(directory, IMAGES, 3, "hardened")
    guest = k8s_release.kustomization(directory, IMAGES, 3, "hardened", "shop")
    assert (own["namespace"], guest["namespace"]) == ("orchlab", "shop")
    assert own["components"] == []
    (component,) = guest["components"]
    assert (directory / component).resolve() == k8s_release.GUEST.resolve()
    assert guest["resources"] == own["resources"]


def test_configuration_and_key_are_generated_from_files_beside_the_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generated names carry a hash; the directory with the key is closed to others."""
    for name, content in (("app.json", '{"a": 1}'), ("key", "s3cret")):
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(k8s_release, "CONFIG", tmp_path / "app.json")
    monkeypatch.setattr(credentials, "api_key_file", lambda: tmp_path / "key")
    directory = tmp_path / "release"
    k8s_release.write(directory, IMAGES, 3, "hardened")
    text = (directory / "kustomization.yaml").read_text()
    written = yaml.safe_load(text)
    assert written["configMapGenerator"] == [{"name": "config", "files": ["app.json"]}]
    assert written["secretGenerator"] == [{"name": "api-key", "files": ["api_key"]}]
    assert (directory / "app.json").read_text() == '{"a": 1}'
    assert (directory / "api_key").read_text() == "s3cret"
    assert "s3cret" not in text
    assert directory.stat().st_mode & 0o777 == 0o700


def test_a_beginners_release_has_no_secret(tmp_path: Path) -> None:
    """The defaults variant generates nothing and copies no key."""
    k8s_release.write(tmp_path / "release", IMAGES, 3, "defaults")
    assert [path.name for path in (tmp_path / "release").iterdir()] == ["kustomization.yaml"]


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


def pod_specs() -> dict[str, dict[str, Any]]:
    """Workload -> its pods' spec as the hardened overlay writes it, without the base's part."""
    documents = (
        document
        for name in ("web", "redis")
        for document in yaml.safe_load_all((OVERLAY / f"{name}.yaml").read_text())
    )
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in documents}


@pytest.mark.parametrize("workload", ["web", "redis"])
def test_hardened_pods_give_up_every_right(workload: str) -> None:
    """No token, no capability, no escalation, no writable root, and limits on what they use."""
    spec = pod_specs()[workload]
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"].keys() == {"requests", "limits"}
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()


def test_a_stopping_replica_has_time_for_everything() -> None:
    """The grace is longer than preStop and the app's drain together."""
    spec = pod_specs()["web"]
    sleep = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = Settings.model_fields["drain_seconds"].default
    assert spec["terminationGracePeriodSeconds"] > sleep + drain


def test_the_key_and_the_configuration_are_where_the_app_is_told() -> None:
    """The environment names files below the volumes that hold them."""
    container = pod_specs()["web"]["containers"][0]
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    told = {each["name"]: each["value"] for each in container["env"]}
    assert told["API_KEY_FILE"] == f"{mounted['api-key']}/{k8s_release.KEY_NAME}"
    assert told["CONFIG_FILE"] == f"{mounted['config']}/{k8s_release.CONFIG.name}"


def test_hardened_says_in_every_object_that_it_is() -> None:
    """The label by which leftovers of another variant are found, on objects and revisions."""
    overlay = yaml.safe_load((OVERLAY / "kustomization.yaml").read_text())
    base = yaml.safe_load((k8s_release.BASE / "kustomization.yaml").read_text())
    key = k8s_release.VARIANT_KEY
    assert overlay["labels"][0]["pairs"][key] == "hardened"
    assert base["labels"][0]["pairs"][key] == "defaults"
    for variant in k8s_release.VARIANTS:
        template = k8s_release.declared(variant)[0]["spec"]["template"]
        assert template["metadata"]["labels"][key] == variant


@pytest.mark.parametrize("path", sorted(paths.K8S.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_complete_manifest_fits_the_schema(path: Path) -> None:
    """No object has a field that the Kubernetes of the node image does not know.

    Kustomizations, kind's own configuration and patches are no objects of the API.
    """
    minor = (
        programs.kubernetes()
        .version(programs.KUBERNETES_MODULE)
        .removeprefix("v")
        .rpartition(".")[0]
    )
    for document in yaml.safe_load_all(path.read_text()):
        if document["apiVersion"].startswith(("kustomize", "kind")) or path in PATCHES:
            continue
        kubernetes_validate.validate(document, minor, strict=True)
