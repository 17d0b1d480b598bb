"""Virtual IPs and the routing mesh of Swarm, on a kernel of the lab's own that has IPVS.

The guest is a process that uses one core for minutes, and the engine hardly at all. So it is
started by the last test that uses the engine and judged by the last of all: those that need no
engine, and no more than the other core, run meanwhile.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchlab.images.store import APP_VERSION, ImageStore
from orchlab.records import History
from orchlab.uml import judging, mesh
from orchlab.wait import wait_until
from tests.live import beside

pytestmark = pytest.mark.uml

BUILD_SECONDS = 900
"""For its image and the app's second version, which may not be there yet."""
LIFE_SECONDS = 900
"""Its own time limit, and the time to save the images that go into it."""


@dataclass(frozen=True)
class Guest:
    """The process, and the file of what it prints."""

    process: subprocess.Popen[bytes]
    printed: Path

    def said(self) -> str:
        """All that it has printed so far."""
        return self.printed.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="session")
def guest(
    images: ImageStore, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guest]:
    """The guest on its way; after the tests it has ended, or is interrupted and leaves nothing."""
    shutil.rmtree(mesh.report(), ignore_errors=True)  # an earlier guest's
    printed = tmp_path_factory.mktemp("guest") / "printed"
    policy = pytestconfig.getoption("orchlab_images")
    with beside.running("orchlab.uml", policy, printed=printed) as process:
        yield Guest(process, printed)


@pytest.fixture(scope="session")
def history(guest: Guest) -> History:
    """What happened in the guest, once it is over."""
    status = guest.process.wait(LIFE_SECONDS)
    assert status == 0, guest.said()
    return mesh.read(mesh.report())


def test_the_guest_boots(guest: Guest) -> None:
    """A container without privileges or network is a machine, and its own engine answers."""
    console = mesh.report() / mesh.CONSOLE

    def answers() -> bool:
        assert guest.process.poll() is None, guest.said()
        said = console.read_text(encoding="utf-8") if console.exists() else ""
        return re.search(r"^\d+ s: engine ", said, re.MULTILINE) is not None

    wait_until("the guest's engine answers", answers, timeout=BUILD_SECONDS, state=guest.said)


@pytest.mark.last
def test_a_name_is_one_virtual_address(history: History) -> None:
    """Inside, the service's name is one address; its replicas are found beside it."""
    finding = judging.names(history)
    assert finding.verdict == "pass", finding


@pytest.mark.last
def test_the_kernel_balances(history: History) -> None:
    """The entry port and the name are virtual servers of IPVS over every replica."""
    finding = judging.kernel(history)
    assert finding.verdict == "pass", finding


@pytest.mark.last
def test_replicas_take_turns(history: History) -> None:
    """From outside through the port and from inside through the name, each third is a turn."""
    finding = judging.balance(history, "before", APP_VERSION)
    assert finding.verdict == "pass", finding


@pytest.mark.last
def test_an_update_loses_no_request(history: History) -> None:
    """Under requests on both ways in, every replica is replaced and no request fails."""
    finding = judging.update(history, APP_VERSION, mesh.NEXT_VERSION)
    assert finding.verdict == "pass", finding


@pytest.mark.last
def test_new_replicas_take_turns(history: History) -> None:
    """After the update both ways in lead to the new replicas alone, in turns."""
    finding = judging.balance(history, "after", mesh.NEXT_VERSION)
    assert finding.verdict == "pass", finding
