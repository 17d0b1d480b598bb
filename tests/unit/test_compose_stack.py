"""What was deployed, read back from containers."""

from __future__ import annotations

from typing import Any

from orchlab.platforms.compose.stack import Deployment, read_back


def container(service: str, image: str, port: str = "", **marks: str) -> dict[str, Any]:
    """The part of an ``inspect`` answer that is read."""
    inside = {"web": "8000/tcp", "edge": "8080/tcp"}.get(service, "")
    bound = {inside: [{"HostIp": "127.0.0.1", "HostPort": port}]} if port else None
    named = {f"orchlab.{key}": value for key, value in marks.items()}
    return {
        "Config": {"Image": image, "Labels": {"com.docker.compose.service": service, **named}},
        "HostConfig": {"PortBindings": bound},
    }


def web(image: str = "app:2", port: str = "", **marks: str) -> dict[str, Any]:
    return container("web", image, port, **{"variant": "hardened", "previous": "app:1"} | marks)


def test_a_deployment_is_what_its_containers_say() -> None:
    """Nothing else remembers it."""
    found = read_back([web(), web(), container("edge", "h:1", "80"), container("redis", "r:1")])
    assert found == Deployment("hardened", "app:2", 2, "80", "app:1", "r:1", "h:1")


def test_what_was_read_back_can_be_applied_again() -> None:
    """With the same variables, so that nothing changes."""
    before = Deployment("defaults", "app:2", 1, "80", "app:1", "r:1")
    replica = web(port="80", variant="defaults")
    after = read_back([replica, container("redis", "r:1")])
    assert after is not None
    assert after.variables() == before.variables()


def test_without_a_replica_nothing_is_deployed() -> None:
    """Redis alone is not the app."""
    assert read_back([container("redis", "r:1")]) is None


def test_amid_an_update_most_replicas_decide() -> None:
    """The label that counts is that of the image that counts."""
    found = read_back([web("app:3", previous="app:2"), web(), web()])
    assert found is not None
    assert (found.image, found.previous, found.replicas) == ("app:2", "app:1", 3)


def test_replicas_that_were_added_share_one_block_with_the_first() -> None:
    """Each asked for its own ports; together they are a block again."""
    marks = {"variant": "defaults"}
    found = read_back([web(port="8080", **marks), web(port="8081-8082", **marks)])
    assert found is not None
    assert found.port == "8080-8082"


def test_ports_that_the_engine_chose_are_no_block() -> None:
    """A stack that was started by hand with port 0 asks for none."""
    found = read_back([web(port="0", variant="defaults")])
    assert found is not None
    assert found.port == ""


def test_only_an_edge_needs_but_one_port() -> None:
    """Without one every replica has its own."""
    assert Deployment("hardened", "app:1", 3).entries == 1
    assert Deployment("defaults", "app:1", 3).entries == 3
