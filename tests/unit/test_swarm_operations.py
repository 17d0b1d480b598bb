from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from unittest.mock import Mock

import pytest

from orchlab import credentials, paths, shell
from orchlab.errors import CommandFailed, HostUnfit, OrchlabError, UnknownName, UsageError
from orchlab.images.store import Image, ImageStore
from orchlab.platforms import serving
from orchlab.platforms.base import Endpoint, Rollout
from orchlab.platforms.swarm import encryption as swarm_encryption
from orchlab.platforms.swarm import leftovers as swarm_leftovers
from orchlab.platforms.swarm import members as swarm_members
from orchlab.platforms.swarm import secrets as swarm_secrets
from orchlab.platforms.swarm.adapter import Swarm
from orchlab.platforms.swarm.fleet import Fleet
from orchlab.platforms.swarm.operations import MOST_ON_EDGE
from orchlab.platforms.swarm.rollout import Rollouts
from orchlab.platforms.swarm.stack import Stack
from orchlab.platforms.swarm.tasks import Task
from tests.unit.swarm_nodes import MANAGER, WORKERS, member

WORKER = WORKERS[0]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the manager, of a swarm that obeys at once."""
    sent: list[str] = []
    monkeypatch.setattr(Fleet, "members", [MANAGER, WORKER])
    monkeypatch.setattr(Stack, "run", lambda _self, *argv: sent.append(" ".join(argv)))
    monkeypatch.setattr(Stack, "service", lambda _self, _name: {})
    monkeypatch.setattr(Stack, "tasks", lambda *_words, **_options: [])
    monkeypatch.setattr(serving, "wait", lambda *_words, **_: None)
    monkeypatch.setattr(swarm_members, "listed", lambda _m: [member(MANAGER), member(WORKER)])
    return sent


@pytest.fixture
def platform() -> Swarm:
    """The adapter, with the edge as its data path."""
    made = Swarm(ImageStore())
    made.choose_data_path("edge")
    return made


def test_scaling_stops_at_what_the_edge_finds(platform: Swarm, commands: list[str]) -> None:
    """A replica beyond the edge's places would serve nobody, and the wait would never end."""
    with pytest.raises(UsageError, match=str(MOST_ON_EDGE)):
        platform.scale(MOST_ON_EDGE + 1)
    assert commands == []
    platform.scale(MOST_ON_EDGE)
    assert commands[0].endswith(f"_web={MOST_ON_EDGE}")


def test_the_edge_has_the_places_that_are_counted_on() -> None:
    """One more than replicas, for the one that an update starts first."""
    text = (paths.STACKS / "edge" / "haproxy.cfg").read_text()
    assert f"server-template web {MOST_ON_EDGE + 1} " in text


def test_replicas_that_nobody_reaches_come_with_a_way_out(
    platform: Swarm, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a mesh the kernel may be the reason, and another data path the way out."""
    hints: list[str] = []
    monkeypatch.setattr(serving, "wait", lambda *words, **_: hints.append(words[-1]))
    platform.scale(1)
    platform.choose_data_path("mesh")
    platform.scale(1)
    assert len(commands) == 2
    assert "service update --force" in hints[0]
    assert ["--data-path edge" in hint for hint in hints] == [False, True]


def test_the_node_of_redis_is_not_drained(
    platform: Swarm, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its volume cannot move, so the app would lose its data for as long as the drain lasts."""
    redis = Task("t", "lab_redis.1", MANAGER.name, "running", "c", "")
    monkeypatch.setattr(Stack, "tasks", lambda *_words, **_options: [redis])
    with pytest.raises(OrchlabError, match="Redis"):
        platform.drain(MANAGER.name)
    assert commands == []


def test_only_nodes_of_the_swarm_are_drained(platform: Swarm, commands: list[str]) -> None:
    """The names that there are are listed."""
    for act in (platform.drain, platform.activate):
        with pytest.raises(UnknownName) as error:
            act("elsewhere")
        assert WORKER.name in error.value.hint
    assert commands == []


def test_a_drain_is_announced_to_the_swarm(platform: Swarm, commands: list[str]) -> None:
    """And taken back by the same command."""
    platform.drain(WORKER.name)
    platform.activate(WORKER.name)
    assert commands == [
        f"node update --availability {each} {WORKER.name}" for each in ("drain", "active")
    ]


def test_a_drained_node_is_no_entry_point_without_its_edge(
    platform: Swarm, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mesh needs no task on a node to answer there."""
    points = [Endpoint(each.name, "http://127.0.0.1:1") for each in (MANAGER, WORKER)]
    monkeypatch.setattr(Fleet, "endpoints", lambda _self: points)
    drained = [member(MANAGER), member(WORKER, availability="drain")]
    monkeypatch.setattr(swarm_members, "listed", lambda _manager: drained)
    assert platform.endpoints() == points[:1]
    platform.choose_data_path("mesh")
    assert platform.endpoints() == points


def test_an_update_names_an_image_as_the_nodes_know_it(
    platform: Swarm, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the registry has it is for the swarm to find out."""
    update = Mock(return_value=Rollout("updated", "x"))
    monkeypatch.setattr(Rollouts, "update", update)
    platform.update(Image("orchlab/app:none", ""))
    update.assert_called_once_with(f"{platform.registry.host}/orchlab/app:none")


@pytest.mark.parametrize("outcome", ["updated", "rolled-back"])
def test_the_labs_key_is_the_one_that_the_app_has(
    platform: Swarm,
    commands: list[str],
    monkeypatch: pytest.MonkeyPatch,
    outcome: Any,  # noqa: ANN401 - a parameter of the test
) -> None:
    """After a rotation the new one, after a rotation that was rolled back the old one."""
    old = credentials.api_key_file().read_text()
    monkeypatch.setattr(swarm_secrets, "replace_key", lambda _stack, _key: [])
    monkeypatch.setattr(swarm_leftovers, "prune", lambda _stack: None)
    monkeypatch.setattr(Rollouts, "change", lambda *_words: Rollout(outcome, "x"))
    platform.rotate_key()
    assert (credentials.api_key_file().read_text() == old) is (outcome == "rolled-back")


def kernel(monkeypatch: pytest.MonkeyPatch, output: str | None) -> None:
    """Let the attempt to encrypt print that and fail, or work."""

    def run(argv: list[str], **_: object) -> str:
        if output is not None:
            raise CommandFailed(argv, 2, output)
        return ""

    monkeypatch.setattr(shell, "run", run)


def test_a_kernel_that_cannot_encrypt_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own words, which name what is missing."""
    kernel(monkeypatch, "RTNETLINK answers: Protocol not supported\n")
    with pytest.raises(HostUnfit, match="Protocol not supported"):
        swarm_encryption.require(WORKER)
    kernel(monkeypatch, None)
    swarm_encryption.require(WORKER)


def test_a_node_without_the_program_is_not_a_kernel_without_encryption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That it could not be tried is said, and the deployment goes on."""
    kernel(monkeypatch, "unshare: failed to execute ip: No such file or directory")
    swarm_encryption.require(WORKER)
    assert "could not be tried" in capsys.readouterr().err


def test_a_network_in_the_clear_is_not_taken_for_an_encrypted_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Swarm keeps a network as it is, whatever the stack file says now."""
    network = Mock(attrs={"Options": {"com.docker.network.driver.overlay.vxlanid_list": "4097"}})
    network.name = "lab_backend"
    client = Mock()
    client.networks.list.return_value = [network]
    monkeypatch.setattr(Stack, "api", lambda _self: nullcontext(client))
    with pytest.raises(UsageError, match="lab_backend"):
        swarm_encryption.require_unchanged(Stack(MANAGER))
    network.attrs["Options"]["encrypted"] = ""
    swarm_encryption.require_unchanged(Stack(MANAGER))
