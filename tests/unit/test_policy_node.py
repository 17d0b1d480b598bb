"""The node image whose network enforces policies, as far as nothing is compiled."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from orchlab.errors import UnknownName
from orchlab.images.gobuild import GoBuild
from orchlab.images.node import KindNode, policy
from orchlab.images.node.policy import CILIUM, RECIPE, PolicyNode
from orchlab.names import one
from orchlab.platforms.k8s import cluster_facts
from orchlab.platforms.k8s.kind_config import NODE_IMAGES

MANIFEST = (RECIPE / "default-cni.yaml").read_text()
IMAGES = [each["name"] for each in json.loads((RECIPE / "images.json").read_text())]


def test_the_agents_image_is_the_one_that_is_compiled() -> None:
    """Its tag is the version that go.mod requires, and the manifest asks for no other image."""
    version = GoBuild(policy.SOURCE).version(policy.MODULE)
    used = re.findall(r"image: (\S+)", MANIFEST)
    assert used == IMAGES == [f"localhost/cilium:{version}"]
    assert cluster_facts.cni(used) == f"cilium {version}"


def test_the_definitions_follow_the_manifest(tmp_path: Path) -> None:
    """Those of every version of the resources, each as a document of its own."""
    for version, kind in (("v2", "A"), ("v2alpha1", "B")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "x.yaml").write_text(f"---\nkind: {kind}\n")
    documents = list(yaml.safe_load_all(policy.with_definitions(MANIFEST, tmp_path)))
    kinds = [each["kind"] for each in documents]
    assert kinds[-2:] == ["A", "B"]
    assert kinds.count("DaemonSet") == 1
    assert None not in documents


def test_kind_leaves_the_manifest_as_it_is() -> None:
    """Braces in the definitions' descriptions are no template."""
    assert "would you kindly template this file" not in MANIFEST


def test_the_modules_are_pinned_and_one_file_is_ours() -> None:
    """A kernel without modules must not end the agent; what is compiled there counts."""
    assert (CILIUM.directory / "go.sum").exists()
    assert CILIUM.patch
    ((name, text),) = CILIUM.patch.files.items()
    assert name.endswith("/modules/modules_linux.go")
    assert text
    assert "ErrNotExist" in text


def test_the_default_node_image_is_part_of_it() -> None:
    """It stands on that image, and is another one."""
    assert PolicyNode().fingerprint() == PolicyNode().fingerprint()
    assert PolicyNode().fingerprint() != KindNode().fingerprint()


def test_a_network_that_does_not_exist_lists_those_that_do() -> None:
    """`--cni` takes names of what is asked for, not of products."""
    with pytest.raises(UnknownName, match="cilium") as refused:
        one("network", "cilium", NODE_IMAGES)
    assert all(name in refused.value.hint for name in ("default", "policy"))
