from pathlib import Path

import pytest

from orchlab.errors import UnknownName
from orchlab.images.catalogue import CATALOGUE, find, usual
from orchlab.images.recipes import DOCKERFILES, Dockerfile, Rootfs

NAMES = {
    *("debian", "python", "redis", "haproxy", "registry", "swarm-node", "kind-node"),
    *("kind-balancer", "metrics-server", "kind-node-policy"),
}


def test_every_image_of_the_lab_is_there() -> None:
    """The catalogue holds exactly the images that the platforms ask for."""
    assert set(CATALOGUE) == NAMES


def test_a_node_image_for_policies_comes_by_its_name_only() -> None:
    """Its build takes minutes, and most never need it."""
    assert set(usual()) == NAMES - {"kind-node-policy"}


def test_unknown_name_lists_the_valid_ones() -> None:
    """A name that does not exist is answered with those that do."""
    with pytest.raises(UnknownName) as caught:
        find("nginx")
    assert all(name in caught.value.hint for name in NAMES)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_public_references_are_pinned(name: str) -> None:
    """Every public reference names a version, never a moving tag."""
    tag = find(name).tag
    assert tag != "latest"
    assert any(character.isdigit() for character in tag)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_build_contexts_exist(name: str) -> None:
    """Every adapter and every Dockerfile recipe points at a real build context."""
    entry = find(name)
    assert (entry.adapter / "Dockerfile").is_file()
    if isinstance(entry.recipe, Dockerfile):
        assert (entry.recipe.directory / "Dockerfile").is_file()


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_fingerprints_are_stable_and_fit_a_tag(name: str) -> None:
    """A recipe's fingerprint is the same twice and valid in an image tag."""
    recipe = find(name).recipe
    assert recipe.fingerprint() == recipe.fingerprint()
    assert recipe.fingerprint().isalnum()


@pytest.mark.parametrize(
    "path", sorted(DOCKERFILES.rglob("Dockerfile")), ids=lambda p: p.parent.name
)
def test_packages_come_through_secrets_only(path: Path) -> None:
    """A build that fetches packages takes mirror and certificates as secrets."""
    text = path.read_text()
    if "apt-get" in text:
        assert "type=secret,id=apt" in text
        assert "type=secret,id=ca" in text


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    """Editing any file of a context makes a new image; restoring it the old one."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    recipe = Dockerfile(tmp_path)
    before = recipe.fingerprint()
    (tmp_path / "Dockerfile").write_text("FROM scratch\nUSER 1\n")
    assert recipe.fingerprint() != before
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert recipe.fingerprint() == before


def test_a_base_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    """An image on another base is another image."""
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    on_debian = Dockerfile(tmp_path, {"BASE": "debian"})
    assert on_debian.fingerprint() != Dockerfile(tmp_path, {"BASE": "python"}).fingerprint()
    assert on_debian.fingerprint() != Dockerfile(tmp_path).fingerprint()


def test_suite_and_packages_are_part_of_the_fingerprint() -> None:
    """A root file system is told apart by its suite and its packages."""
    variants = [Rootfs("trixie"), Rootfs("bookworm"), Rootfs("trixie", ("jq",))]
    assert len({recipe.fingerprint() for recipe in variants}) == len(variants)
