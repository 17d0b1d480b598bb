"""Images get to the nodes of the lab's cluster once, and anew when a tag moved."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
import urllib3.exceptions

from orchlab.images.store import Image
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s.adapter import Kubernetes

APP = Image("orchlab/app:1", "sha256:0")
REFERENCE = "lab-registry:5000/orchlab/app:1"
NEW, OLD = (f"lab-registry:5000/orchlab/app@sha256:{name}" for name in ("new", "old"))


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the two nodes that are on were told to pull."""
    done: list[tuple[str, str]] = []
    monkeypatch.setattr(k8s_nodes, "pull", lambda *names: done.append(names))
    monkeypatch.setattr(k8s_nodes, "running", lambda: ["one", "two"])
    return done


def publish(images: Mock) -> Kubernetes:
    """Publish the app; ``images`` is what the cluster says of its nodes' images."""
    cluster = Kubernetes(Mock())
    cluster.registry = Mock()
    cluster.registry.push.return_value = REFERENCE
    cluster.registry.digest.return_value = "sha256:new"
    cluster.control = Mock()
    cluster.control.api.images = images
    cluster.publish(APP)
    assert cluster.published == {APP.reference: REFERENCE}
    return cluster


def test_what_every_node_has_is_not_pulled_again(pulled: list[tuple[str, str]]) -> None:
    """By tag and by content."""
    publish(Mock(return_value={"one": [{REFERENCE, NEW}], "two": [{"else"}, {NEW, REFERENCE}]}))
    assert pulled == []


@pytest.mark.parametrize(
    "two",
    [[], [{REFERENCE}], [{REFERENCE, OLD}], [{REFERENCE, OLD}, {NEW}]],
    ids=["none", "unknown content", "other content", "another tag"],
)
def test_what_one_node_lacks_is_pulled(pulled: list[tuple[str, str]], two: list[set[str]]) -> None:
    """As a tag that moved."""
    publish(Mock(return_value={"one": [{REFERENCE, NEW}], "two": two}))
    assert pulled == [(REFERENCE, NEW)]


def test_where_the_cluster_does_not_answer_it_is_pulled(pulled: list[tuple[str, str]]) -> None:
    """Nothing is taken for granted."""
    publish(Mock(side_effect=urllib3.exceptions.HTTPError))
    assert pulled == [(REFERENCE, NEW)]


def test_what_is_deployed_is_also_current(pulled: list[tuple[str, str]]) -> None:
    """As the files in ``k8s/`` name it; what is only published is not."""
    cluster = publish(Mock(return_value={}))
    current = Image("orchlab/app:current", APP.id)
    assert current not in [each.args[0] for each in cluster.registry.push.call_args_list]  # type: ignore[attr-defined]
    assert cluster._published(APP) == REFERENCE  # noqa: SLF001 - what `deploy` asks for
    assert cluster.registry.push.call_args.args == (current,)  # type: ignore[attr-defined]
    assert len(pulled) == 1
