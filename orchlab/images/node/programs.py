"""The programs that a node image is made of, and how each is compiled."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchlab.images.gobuild import MODULES, GoBuild, Patch, build

KUBERNETES_MODULE = "k8s.io/kubernetes"
FLANNEL_MODULE = "github.com/flannel-io/flannel"
CONTAINERD_MODULE = "github.com/containerd/containerd/v2"
CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")

UDP = "pkg/backend/udp"
UDP_IN_C = ("cproxy_amd64.go", "proxy_amd64.c", "proxy_amd64.h", "udp_network_amd64.go")
WITHOUT_UDP = Patch(
    FLANNEL_MODULE,
    {
        **{f"{UDP}/{name}": None for name in UDP_IN_C},
        f"{UDP}/udp_amd64.go": "package udp\n",
    },
)
"""flannel's UDP backend, replaced by VXLAN long ago, alone needs a C compiler."""


def _required(name: str, module: str) -> str:
    return GoBuild(MODULES / name).version(module)


def kubernetes() -> GoBuild:
    """All Kubernetes components in one program, stamped with their version."""
    version = _required("kubernetes", KUBERNETES_MODULE)
    major, minor, _ = version.removeprefix("v").split(".")
    stamp = {"Version": version, "Major": major, "Minor": minor, "TreeState": "clean"}
    return GoBuild(
        MODULES / "kubernetes",
        variables={
            f"{package}.git{key}": value
            for package in VERSION_PACKAGES
            for key, value in stamp.items()
        },
    )


def containerd() -> GoBuild:
    """The container runtime, its shim and its client."""
    version = _required("containerd", CONTAINERD_MODULE)
    return GoBuild(
        MODULES / "containerd",
        packages=[f"{CONTAINERD_MODULE}/cmd/{name}" for name in CONTAINERD],
        tags=["no_aufs", "no_btrfs", "no_devmapper", "no_zfs"],
        variables={f"{CONTAINERD_MODULE}/version.Version": version},
    )


def flannel() -> GoBuild:
    """The daemon that joins the nodes' pod networks."""
    version = _required("flannel", FLANNEL_MODULE)
    return GoBuild(
        MODULES / "flannel",
        packages=[FLANNEL_MODULE],
        variables={f"{FLANNEL_MODULE}/pkg/version.Version": version},
        patch=WITHOUT_UDP,
    )


KIND = GoBuild(MODULES / "kind", packages=["sigs.k8s.io/kind"])


def all_builds() -> dict[str, GoBuild]:
    """Every build of the node image by the name of its directory.

    Their go.mod files require Kubernetes' libraries in one version, so that Go
    compiles most of these only once.
    """
    flannel_cni = "github.com/containernetworking/plugins/plugins/meta/flannel"
    provisioner = "github.com/rancher/local-path-provisioner"
    return {
        "kubernetes": kubernetes(),
        "containerd": containerd(),
        "etcd": GoBuild(MODULES / "etcd", packages=["go.etcd.io/etcd/server/v3"]),
        "coredns": GoBuild(MODULES / "coredns"),
        "flannel": flannel(),
        "flannel-cni": GoBuild(MODULES / "flannel-cni", packages=[flannel_cni]),
        "local-path-provisioner": GoBuild(
            MODULES / "local-path-provisioner", packages=[provisioner]
        ),
        "pause": GoBuild(MODULES / "pause"),
    }


PROGRAMS = {
    "kubernetes": ("kubernetes", "kubernetes"),
    **{name: ("containerd", name) for name in CONTAINERD},
    "etcd": ("etcd", "server"),
    "coredns": ("coredns", "coredns"),
    "flanneld": ("flannel", "flannel"),
    "flannel": ("flannel-cni", "flannel"),
    "local-path-provisioner": ("local-path-provisioner", "local-path-provisioner"),
    "pause": ("pause", "pause"),
}
"""Program as the image calls it -> its build, and what Go calls it there."""


def compile_into(directory: Path, arch: str) -> None:
    """Put all programs for Linux on ``arch`` into a new directory."""
    directory.mkdir()
    built = {name: build(spec, arch) for name, spec in all_builds().items()}
    for name, (origin, program) in PROGRAMS.items():
        _place(built[origin] / program, directory / name)


def _place(source: Path, target: Path) -> None:
    """Hard link, or copy where the file system cannot."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
