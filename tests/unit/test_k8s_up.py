"""What `k8s-up` leaves behind when it fails."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from orchlab import sweep
from orchlab.errors import OrchlabError, UsageError, WaitTimeout
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s import up as k8s_up


@pytest.fixture
def undone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was taken back, in order."""
    done: list[str] = []
    monkeypatch.setattr(sweep, "leftover", lambda _: done.append("leftover"))
    return done


def failing_cluster(
    monkeypatch: pytest.MonkeyPatch, done: list[str], *answers: str, error: BaseException
) -> Mock:
    """A cluster whose containers are those letters, before and after it fails."""
    left = [[SimpleNamespace(id=each, name=f"node-{each}") for each in names] for names in answers]
    monkeypatch.setattr(k8s_nodes, "containers", lambda: left.pop(0))
    cluster = Mock(keep=False)
    cluster.create.side_effect = error
    cluster.delete.side_effect = lambda: done.append("delete")
    return cluster


@pytest.mark.parametrize("after", ["", "ab"])
@pytest.mark.parametrize("error", [WaitTimeout("nodes ready", 30), KeyboardInterrupt()])
def test_a_cluster_that_could_not_be_made_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, undone: list[str], error: BaseException, after: str
) -> None:
    """Neither after an error nor after Ctrl-C; nor the network of nodes that kind removed."""
    cluster = failing_cluster(monkeypatch, undone, "", after, error=error)
    with pytest.raises(type(error)):
        k8s_up.bring_up(cluster)
    assert undone == ["delete", "leftover"]


def test_a_cluster_that_was_there_stays(monkeypatch: pytest.MonkeyPatch, undone: list[str]) -> None:
    """Such as one of another size than is asked for."""
    cluster = failing_cluster(monkeypatch, undone, "ab", "ab", error=UsageError("size"))
    with pytest.raises(UsageError):
        k8s_up.bring_up(cluster)
    assert undone == []


def test_nodes_made_in_place_of_broken_ones_go(
    monkeypatch: pytest.MonkeyPatch, undone: list[str]
) -> None:
    """They have the names of those before, and are others."""
    cluster = failing_cluster(monkeypatch, undone, "ab", "cd", error=OrchlabError("no"))
    with pytest.raises(OrchlabError):
        k8s_up.bring_up(cluster)
    assert undone == ["delete", "leftover"]


def test_what_failed_is_kept_on_demand(
    monkeypatch: pytest.MonkeyPatch, undone: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """To look at its logs."""
    cluster = failing_cluster(monkeypatch, undone, "", "ab", error=OrchlabError("no"))
    cluster.keep = True
    with pytest.raises(OrchlabError):
        k8s_up.bring_up(cluster)
    assert undone == []
    assert "node-a, node-b" in capsys.readouterr().err
