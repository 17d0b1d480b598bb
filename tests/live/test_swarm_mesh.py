"""Virtual IPs and the routing mesh of Swarm, on a kernel of the lab's own that has IPVS."""

from __future__ import annotations

import pytest

from orchlab.images.store import APP_VERSION, ImageStore
from orchlab.records import History
from orchlab.uml import judging, mesh

pytestmark = pytest.mark.uml


@pytest.fixture(scope="module")
def history(images: ImageStore) -> History:
    """What happened in the guest."""
    return mesh.carry_out(images)


def test_a_name_is_one_virtual_address(history: History) -> None:
    """Inside, the service's name is one address; its replicas are found beside it."""
    finding = judging.names(history)
    assert finding.verdict == "pass", finding


def test_the_kernel_balances(history: History) -> None:
    """The entry port and the name are virtual servers of IPVS over every replica."""
    finding = judging.kernel(history)
    assert finding.verdict == "pass", finding


def test_replicas_take_turns(history: History) -> None:
    """From outside through the port and from inside through the name, each third is a turn."""
    finding = judging.balance(history, "before", APP_VERSION)
    assert finding.verdict == "pass", finding


def test_an_update_loses_no_request(history: History) -> None:
    """Under requests on both ways in, every replica is replaced and no request fails."""
    finding = judging.update(history, APP_VERSION, mesh.NEXT_VERSION)
    assert finding.verdict == "pass", finding


def test_new_replicas_take_turns(history: History) -> None:
    """After the update both ways in lead to the new replicas alone, in turns."""
    finding = judging.balance(history, "after", mesh.NEXT_VERSION)
    assert finding.verdict == "pass", finding
