from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from orchlab import labels, shell
from orchlab.errors import CommandFailed, OrchlabError, UnknownName, UsageError
from orchlab.images.store import Image, ImageStore
from orchlab.platforms import base
from orchlab.platforms.base import Release
from orchlab.platforms.compose import files as compose_files
from orchlab.platforms.compose.adapter import Compose
from orchlab.platforms.compose.operations import require_room
from orchlab.platforms.compose.project import Project, incarnation
from orchlab.platforms.compose.stack import PLACES, Deployment
from orchlab.platforms.compose.update import Update

CAPABILITIES = (
    base.Platform,
    base.ReplicaFaults,
    base.HangFaults,
    base.StoreFaults,
    base.StoreCrash,
    base.Scalable,
    base.Updatable,
    base.Observable,
)
DEFAULTS = Deployment("defaults", "app:1", 1)
HARDENED = Deployment("hardened", "app:1", 3, "8080", "app:0", "redis:1", "haproxy:1")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """The gateway to external commands, which all succeed."""
    gateway = Mock(return_value="")
    monkeypatch.setattr(shell, "run", gateway)
    return gateway


def project(elsewhere: str = "", **info: object) -> Project:
    """A project on an engine that says this about its host."""
    made = Project(elsewhere)
    made.info = {"Name": "here", "CpuCfsQuota": True, **info}
    return made


def environment(ran: Mock) -> dict[str, str]:
    """The variables that the last command was given."""
    return dict(ran.call_args.kwargs["env"])


@pytest.mark.parametrize("protocol", CAPABILITIES)
def test_compose_has_the_capabilities_that_it_claims(protocol: type) -> None:
    """The runner asks by protocol, so the adapter must answer to each."""
    assert isinstance(Compose(ImageStore()), protocol)


def test_an_unknown_variant_is_refused_before_anything_runs() -> None:
    """The valid variants are listed."""
    with pytest.raises(UnknownName, match="variant"):
        Compose(ImageStore()).deploy(Release(Image("app:1", "sha256:0"), variant="nope"))


def test_more_replicas_than_the_edge_has_room_for_are_refused() -> None:
    """They would never be reached; without an edge there is no such limit."""
    require_room(Deployment("hardened", "app:1", PLACES))
    require_room(Deployment("defaults", "app:1", PLACES + 1))
    with pytest.raises(UsageError, match=str(PLACES)):
        require_room(Deployment("hardened", "app:1", PLACES + 1))


def test_a_restart_is_a_new_incarnation() -> None:
    """The same container after a restart has another identity."""

    def life(started: str) -> dict[str, Any]:
        return {"Id": "0123456789abcdef", "State": {"StartedAt": started}}

    assert incarnation(life("10:00")) != incarnation(life("10:01"))


def test_a_command_says_all_that_the_file_leaves_open(ran: Mock) -> None:
    """So that the echoed line can be pasted and does the same."""
    project().apply(HARDENED, "up")
    given = environment(ran)
    assert given["ORCHLAB_LAB"] == labels.LAB
    assert (given["APP_IMAGE"], given["PREVIOUS_IMAGE"]) == ("app:1", "app:0")
    assert (given["WEB_REPLICAS"], given["EDGE_PORT"], given["NODE_NAME"]) == ("3", "8080", "here")
    assert given["CONFIG_HASH"] == compose_files.config_hash()
    assert "CPU_LIMIT" not in given


def test_what_only_the_hardened_file_takes_is_not_given_to_the_other(ran: Mock) -> None:
    """No key is made, and no port of an edge is named, where there is neither."""
    project().apply(DEFAULTS, "up")
    assert not {"API_KEY_FILE", "EDGE_PORT", "CONFIG_HASH"} & environment(ran).keys()


def test_an_engine_that_cannot_limit_processors_is_not_asked_to(ran: Mock) -> None:
    """It would refuse to make the container; other limits it leaves out by itself."""
    project(CpuCfsQuota=False).apply(HARDENED, "up")
    assert environment(ran)["CPU_LIMIT"] == "0"


def test_an_engine_elsewhere_gets_paths_of_its_own_host(ran: Mock) -> None:
    """Files of this machine are named by where they were copied to."""
    made = project("ssh://far")
    made.client = Mock()
    made.client.volumes.get.return_value.attrs = {"Mountpoint": "/far/_data"}
    made.apply(HARDENED, "up")
    given = environment(ran)
    assert given["API_KEY_FILE"] == "/far/_data/api-key"
    assert given["EDGE_CONFIG"] == "/far/_data/haproxy.cfg"


def test_the_variant_chooses_the_file_also_for_looking(ran: Mock) -> None:
    """A file that demands a key gets it even where nothing is deployed."""
    project().compose("hardened", "logs")
    (command,) = ran.call_args.args
    assert command[-2].endswith("compose.hardened.yaml")
    assert "API_KEY_FILE" in environment(ran)


def failing(monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    """A gateway through which every command fails with that output."""
    error = CommandFailed(["docker"], 1, output)
    monkeypatch.setattr(shell, "run", Mock(side_effect=error))


def test_a_taken_port_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user reads which port it is and what to do, not the engine's stack of causes."""
    failing(monkeypatch, "Bind for 127.0.0.1:8080 failed: port is already allocated")
    with pytest.raises(UsageError, match="port 8080 on "):
        project().apply(DEFAULTS, "up")


def test_other_failures_say_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that does not start has said why in its log."""
    failing(monkeypatch, "container comp-web-1 exited (2)")
    with pytest.raises(CommandFailed) as caught:
        project().apply(DEFAULTS, "up")
    assert "logs" in caught.value.hint


def test_nothing_can_be_changed_that_is_not_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scaling and updates say how to bring the app up."""
    stack = Compose(ImageStore())
    monkeypatch.setattr(stack.project, "containers", lambda *_: [])
    for change in (lambda: stack.scale(2), stack.rollback):
        with pytest.raises(OrchlabError, match="is up") as caught:
            change()
        assert "compose-up" in caught.value.hint


def test_what_runs_keeps_a_name_when_its_tag_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image built anew under the same tag can still be gone back from."""
    stack = Compose(ImageStore())
    stack.project.client = Mock()
    old = Mock(attrs={"Image": "sha256:0123456789abcdef"})
    monkeypatch.setattr(stack.project, "containers", lambda *_: [old])
    moves: list[Update] = []

    def remember(move: Update) -> None:
        moves.append(move)

    monkeypatch.setattr(Update, "one_by_one", remember)
    monkeypatch.setattr(stack.project, "deployment", lambda: HARDENED)
    stack.update(Image(HARDENED.image, "sha256:fedcba9876543210"))
    stack.update(Image("app:2", "sha256:fedcba9876543210"))
    assert [each.before.image for each in moves] == ["orchlab/app:was-0123456789ab", "app:1"]
    stack.project.client.images.get.assert_called_once_with("sha256:0123456789abcdef")
