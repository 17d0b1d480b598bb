"""Removal by label, with a test double of the engine."""

from __future__ import annotations

import time
from unittest.mock import Mock

import docker
import pytest
import requests
from docker.errors import APIError, NotFound

from orchlab import sweep
from orchlab.errors import WaitTimeout


class FakeEngine:
    """An engine whose list of containers is another one at each look."""

    def __init__(self, *looks: list[Mock]) -> None:
        self.looks = list(looks)
        self.containers = Mock(list=self._containers)
        self.networks = Mock(list=Mock(return_value=[]))
        self.volumes = Mock(list=Mock(return_value=[]))

    def _containers(self, **_: object) -> list[Mock]:
        return self.looks.pop(0) if self.looks else []


def swept(monkeypatch: pytest.MonkeyPatch, fake: FakeEngine) -> None:
    """Sweep one platform of a lab on that engine."""
    monkeypatch.setattr(docker, "from_env", lambda: fake)
    sweep.sweep("lab", "compose")


def test_what_appears_while_sweeping_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that was still being created at the first look is removed at the next."""
    early, late = Mock(labels={}), Mock(labels={})
    swept(monkeypatch, FakeEngine([early], [late]))
    early.remove.assert_called_once_with(v=True, force=True)
    late.remove.assert_called_once_with(v=True, force=True)


def test_nodes_of_another_labs_cluster_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """They carry the label of the lab that built their image, and belong to kind's cluster."""
    built_here = {"orchlab.lab": "lab", sweep.KIND_CLUSTER: "another"}
    foreign = Mock(labels=built_here)
    own = Mock(labels=built_here | {sweep.KIND_CLUSTER: "lab"})
    swept(monkeypatch, FakeEngine([foreign, own], [foreign]))
    foreign.remove.assert_not_called()
    own.remove.assert_called_once_with(v=True, force=True)


def test_a_refusal_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else is removing it right now: the next look finds nothing."""
    busy = Mock(labels={})
    busy.remove.side_effect = APIError("conflict", explanation="removal is in progress")
    swept(monkeypatch, FakeEngine([busy]))
    busy.remove.assert_called_once()


def test_a_slow_removal_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume of many gigabytes may take longer than anybody is waited for."""
    slow = Mock(labels={})
    slow.remove.side_effect = lambda **_: time.sleep(0.3)
    monkeypatch.setattr(sweep, "SETTLE_SECONDS", 0.2)
    swept(monkeypatch, FakeEngine([slow]))


def test_an_engine_that_answers_late_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on removing meanwhile."""
    busy = Mock(labels={})
    busy.remove.side_effect = requests.ReadTimeout("read timed out")
    swept(monkeypatch, FakeEngine([busy]))
    busy.remove.assert_called_once()


def test_an_engine_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer that never comes costs a minute: the second one is the last."""
    hanging = Mock(labels={})
    hanging.remove.side_effect = requests.ReadTimeout("read timed out")
    with pytest.raises(requests.Timeout):
        swept(monkeypatch, FakeEngine(*[[hanging]] * 5))
    assert hanging.remove.call_count == 2


def test_what_cannot_be_removed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's own reason stands in the error."""
    stuck = Mock(labels={})
    stuck.remove.side_effect = APIError("conflict", explanation="device is busy")
    monkeypatch.setattr(sweep, "SETTLE_SECONDS", 0.0)
    with pytest.raises(WaitTimeout, match="device is busy"):
        swept(monkeypatch, FakeEngine([stuck], [stuck]))


def test_a_network_goes_although_it_lists_a_container_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its end of the network is taken away by id: there is nobody to ask for more."""
    network = Mock(attrs={"Containers": {"gone": {}, "there": {}}})
    network.disconnect.side_effect = [NotFound("No such container: gone"), None]
    fake = FakeEngine()
    fake.networks.list.side_effect = [[network], []]
    swept(monkeypatch, fake)
    network.remove.assert_called_once_with()


def test_leftovers_are_what_no_platform_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry's volume goes with the last platform; data that were kept stay."""
    shared = Mock(attrs={"Labels": {"orchlab.lab": "lab"}})
    kept = Mock(attrs={"Labels": {"orchlab.lab": "lab", "orchlab.platform": "compose"}})
    fake = FakeEngine()
    fake.volumes.list.side_effect = [[shared, kept], [kept]]
    monkeypatch.setattr(docker, "from_env", lambda: fake)
    sweep.leftover("lab")
    shared.remove.assert_called_once()
    kept.remove.assert_not_called()


def test_nothing_is_left_over_while_a_platform_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its containers may need what they share."""
    fake = FakeEngine([Mock(labels={"orchlab.lab": "lab"})])
    monkeypatch.setattr(docker, "from_env", lambda: fake)
    sweep.leftover("lab")
    fake.volumes.list.assert_not_called()
