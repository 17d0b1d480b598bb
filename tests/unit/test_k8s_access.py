"""Somebody's cluster, as the user's kubeconfig names it."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml

from orchlab import shell
from orchlab.errors import UnknownName, UsageError
from orchlab.images.node import tools
from orchlab.images.store import ImageStore
from orchlab.platforms.k8s import access as k8s_access
from orchlab.platforms.k8s import control as k8s_control
from orchlab.platforms.k8s.access import Access
from orchlab.platforms.k8s.control import Control

THERE = Access("/home/me/kubeconfig", "far", "shop")


def kubeconfig(path: Path, **namespaces: str) -> str:
    """A file with a context for each name, which has that namespace or none."""
    contexts = [
        {"name": name, "context": {"cluster": "c", "user": "u", "namespace": namespace}}
        if namespace
        else {"name": name, "context": {"cluster": "c", "user": "u"}}
        for name, namespace in namespaces.items()
    ]
    path.write_text(yaml.safe_dump({"kind": "Config", "contexts": contexts}))
    return str(path)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two files and one that does not exist; the first names the same context as the second."""
    found = os.pathsep.join(
        (
            kubeconfig(tmp_path / "a", far="shop", plain=""),
            str(tmp_path / "missing"),
            kubeconfig(tmp_path / "b", far="other", near="office"),
        )
    )
    monkeypatch.setenv("KUBECONFIG", found)
    return found


def test_a_context_is_found_in_any_of_the_users_files(sources: str) -> None:
    """The first file that names it counts, as for `kubectl`."""
    assert k8s_access.find("far") == Access(sources, "far", "shop")
    assert k8s_access.find("near") == Access(sources, "near", "office")


@pytest.mark.usefixtures("sources")
def test_the_namespace_is_the_given_one_or_the_contexts() -> None:
    """Without either it is `default`, again as for `kubectl`."""
    found = [k8s_access.find(*words) for words in (("far", "mine"), ("far", ""), ("plain", ""))]
    assert [each.namespace for each in found if each] == ["mine", "shop", "default"]


def test_without_a_variable_the_usual_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is below the home directory."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    path = kubeconfig(tmp_path / ".kube" / "config", far="shop")
    assert k8s_access.find("far") == Access(path, "far", "shop")


@pytest.mark.usefixtures("sources")
def test_an_unknown_context_is_answered_with_the_known_ones() -> None:
    """As every unknown name."""
    with pytest.raises(UnknownName, match="'fra'") as caught:
        k8s_access.find("fra")
    assert caught.value.hint == "valid names: far, plain, near"


def test_no_context_means_the_labs_own_cluster() -> None:
    """A namespace alone would be ignored, so it is a mistake."""
    assert k8s_access.find("") is None
    with pytest.raises(UsageError, match="elsewhere"):
        k8s_access.find("", "shop")


def test_kubectl_is_led_to_the_context_by_words_that_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The user's own program is used where there is one: it fits the user's cluster."""
    run = Mock()
    monkeypatch.setattr(shell, "run", run)
    monkeypatch.setattr(k8s_control.shutil, "which", lambda _: "/usr/bin/kubectl")
    Control(ImageStore(), THERE).run("get", "pods")
    assert run.call_args.args == ([Path("/usr/bin/kubectl"), "--context=far", "get", "pods"],)
    assert run.call_args.kwargs["env"] == {"KUBECONFIG": "/home/me/kubeconfig"}


def test_the_labs_own_cluster_has_the_labs_own_kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the version of its nodes; the same program serves where the user has none."""
    monkeypatch.setattr(tools, "kubectl", lambda image: Path("/cache") / image)
    images = Mock(spec=ImageStore)
    images.ensure.return_value.reference = "kubectl"
    monkeypatch.setattr(k8s_control.shutil, "which", lambda _: "/usr/bin/kubectl")
    assert Control(images).kubectl == Path("/cache/kubectl")
    monkeypatch.setattr(k8s_control.shutil, "which", lambda _: None)
    assert Control(images, THERE).kubectl == Path("/cache/kubectl")


def test_a_context_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    """With a command that shows the same."""
    sources = kubeconfig(tmp_path / "a", far="shop")
    with pytest.raises(UsageError, match="context far cannot be used") as caught:
        _ = Control(ImageStore(), Access(sources, "far", "shop")).api
    assert "kubectl --context=far" in caught.value.hint
