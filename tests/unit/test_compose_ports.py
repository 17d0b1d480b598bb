from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from orchlab.errors import OrchlabError, UsageError
from orchlab.platforms.compose import ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_a_block_has_a_port_for_each() -> None:
    """Written as Compose takes it."""
    assert ports.block(8080, 1) == "8080"
    assert ports.block(8080, 3) == "8080-8082"


@pytest.mark.parametrize(("first", "count"), [(-1, 1), (65_535, 2), (70_000, 1)])
def test_what_is_no_port_is_refused(first: int, count: int) -> None:
    """The range of valid ones is said."""
    with pytest.raises(UsageError) as caught:
        ports.block(first, count)
    assert "65535" in caught.value.hint


def test_blocks_without_a_gap_are_one() -> None:
    """In any order, and whether or not they overlap."""
    assert ports.joined(["8081-8082", "8080", "8080"]) == "8080-8082"
    assert ports.joined(["8080", "8082"]) == ""
    assert ports.joined(["0"]) == ports.joined([]) == ""


def test_ports_are_kept_as_long_as_they_are_enough() -> None:
    """The same number of replicas stays where it is; any other gets a block of its size."""
    assert ports.kept("8080-8082", 3) == "8080-8082"
    assert ports.size(ports.kept("8080-8082", 2)) == 2
    assert ports.size(ports.kept("", 1)) == 1


def test_a_port_on_which_somebody_listens_is_not_free(taken: int) -> None:
    """Another block is found."""
    found = ports.free_block(1, taken)
    assert found != str(taken)
    assert ports.size(found) == 1


def test_more_ports_follow_those_in_use_if_they_are_free(taken: int) -> None:
    """Neighbours where possible."""
    assert ports.after(str(taken - 1), 1) != str(taken)
    free = int(ports.free_block(2).partition("-")[0])
    assert ports.after(str(free), 1) == str(free + 1)


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fair number of attempts."""
    monkeypatch.setattr(ports, "_free", lambda _: False)
    with pytest.raises(OrchlabError, match="no 2 free ports"):
        ports.free_block(2)
