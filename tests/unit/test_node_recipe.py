from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from orchlab.errors import OrchlabError
from orchlab.images.gobuild import MODULES, GoBuild
from orchlab.images.node import KindNode, context, programs
from orchlab.images.recipes import Recipe

IMAGES = {
    entry["name"]: entry for entry in json.loads((context.RECIPE / "images.json").read_text())
}
CNI = (context.RECIPE / "default-cni.yaml").read_text()
STORAGE = """package nodeimage

const defaultStorageManifest = `
image: ` + storageProvisionerImage + `
helper: ` + storageHelperImage + `
`
"""


@pytest.mark.parametrize(
    ("image", "directory", "module"),
    [
        ("registry.k8s.io/kube-apiserver:{}", "kubernetes", "k8s.io/kubernetes"),
        ("registry.k8s.io/kube-controller-manager:{}", "kubernetes", "k8s.io/kubernetes"),
        ("registry.k8s.io/kube-scheduler:{}", "kubernetes", "k8s.io/kubernetes"),
        ("registry.k8s.io/kube-proxy:{}", "kubernetes", "k8s.io/kubernetes"),
        ("registry.k8s.io/coredns/coredns:{}", "coredns", "github.com/coredns/coredns"),
        ("localhost/flannel:{}", "flannel", "github.com/flannel-io/flannel"),
        (
            "localhost/local-path-provisioner:{}",
            "local-path-provisioner",
            "github.com/rancher/local-path-provisioner",
        ),
    ],
)
def test_an_images_tag_is_the_version_that_is_compiled(
    image: str, directory: str, module: str
) -> None:
    """An image never names another version than the one that its go.mod requires."""
    assert image.format(GoBuild(MODULES / directory).version(module)) in IMAGES


def test_etcds_tag_is_the_version_that_is_compiled() -> None:
    """The registry's tag of etcd is its version without v, and a build number."""
    version = GoBuild(MODULES / "etcd").version("go.etcd.io/etcd/server/v3")
    assert f"registry.k8s.io/etcd:{version.removeprefix('v')}-0" in IMAGES


def test_the_networks_manifest_uses_images_of_the_node() -> None:
    """Every container of the default network finds its image on the node."""
    documents = list(yaml.safe_load_all(CNI.replace("{{ .PodSubnet }}", "10.244.0.0/16")))
    pod = next(one for one in documents if one["kind"] == "DaemonSet")["spec"]["template"]["spec"]
    used = {container["image"] for container in pod["containers"]}
    assert used <= set(IMAGES)


def test_kind_fills_in_the_pods_subnet() -> None:
    """The manifest holds the words that make kind template it, and what it fills in."""
    assert "would you kindly template this file" in CNI
    assert "{{ .PodSubnet }}" in CNI


def test_the_storage_manifest_comes_out_of_kinds_source() -> None:
    """The constant's text is taken, with the node's own images in it."""
    text = context.storage_manifest(STORAGE, context.images())
    assert yaml.safe_load(text) == {
        "image": "localhost/local-path-provisioner:v0.0.30",
        "helper": "localhost/busybox:1.35.0",
    }


@pytest.mark.parametrize(
    "changed", ["package nodeimage\n", STORAGE.replace("storageHelperImage", "newImage")]
)
def test_a_storage_manifest_of_another_shape_is_refused(changed: str) -> None:
    """If kind changes its source, the build says so instead of using half of it."""
    with pytest.raises(OrchlabError, match="manifest"):
        context.storage_manifest(changed, context.images())


def test_every_go_build_pins_its_modules() -> None:
    """Each directory of a build has its own go.mod and go.sum."""
    builds = [*programs.all_builds().values(), programs.KIND]
    assert all((spec.directory / name).exists() for spec in builds for name in ("go.mod", "go.sum"))


def test_every_program_has_a_build() -> None:
    """Each program of the image comes from one of its builds, and each build is used."""
    assert {origin for origin, _ in programs.PROGRAMS.values()} == set(programs.all_builds())


def test_kubernetes_knows_its_version() -> None:
    """The linker stamps version, major and minor into both packages that tell it."""
    variables = programs.kubernetes().variables
    version = variables["k8s.io/component-base/version.gitVersion"]
    parts = [variables[f"k8s.io/client-go/pkg/version.git{part}"] for part in ("Major", "Minor")]
    assert version.startswith(f"v{'.'.join(parts)}.")


def test_the_node_image_is_a_recipe() -> None:
    """It is built like every other image, and the same files give the same tag."""
    recipe: Recipe = KindNode()
    assert recipe.fingerprint() == KindNode().fingerprint()


@pytest.mark.parametrize("script", ["entrypoint", "layers.sh", "pack-images.sh"])
def test_scripts_parse(script: str) -> None:
    """The shell scripts of the recipe are well-formed."""
    subprocess.run(["bash", "-n", context.RECIPE / script], check=True)


def test_an_executable_bit_comes_back(tmp_path: Path) -> None:
    """Programs of kind's base files can be run although a Go module keeps no such mode."""
    origin = tmp_path / "origin"
    for name in ("kind/bin/tool.sh", "etc/conf"):
        (origin / name).parent.mkdir(parents=True)
        (origin / name).write_text("x")
        (origin / name).chmod(0o444)
    context.copy_base_files(origin, tmp_path / "copy")
    modes = [
        (tmp_path / "copy" / name).stat().st_mode & 0o777
        for name in ("kind/bin/tool.sh", "etc/conf")
    ]
    assert modes == [0o755, 0o644]
