from __future__ import annotations

from typing import Any

from orchlab.platforms.swarm import facts as swarm_facts
from orchlab.platforms.swarm import knobs as swarm_knobs

SECOND = 1_000_000_000


def spec(**changed: object) -> dict[str, Any]:
    template: dict[str, Any] = {"ContainerSpec": {"Image": "app:1"}}
    return {"Mode": {"Replicated": {"Replicas": 3}}, "TaskTemplate": template, **changed}


def test_what_is_not_set_is_marked_as_default() -> None:
    """The reader sees the timers in force, and that nobody chose them."""
    knobs = swarm_knobs.knobs(spec())
    assert knobs["restart delay"] == "5 s (default)"
    assert knobs["update order"] == "stop-first (default)"
    assert knobs["update failure action"] == "pause (default)"
    assert knobs["stop grace"] == "10 s (default)"
    assert knobs["replicas"] == "3"


def test_what_is_set_is_shown_as_set() -> None:
    """In seconds, whatever the API counts in; zero is a value, not an absence."""
    template = {
        "ContainerSpec": {"StopGracePeriod": 20 * SECOND},
        "RestartPolicy": {"Delay": 0, "Condition": "on-failure"},
    }
    update = {"Order": "start-first", "Parallelism": 2, "Monitor": SECOND // 2}
    knobs = swarm_knobs.knobs(spec(TaskTemplate=template, UpdateConfig=update))
    assert knobs["restart delay"] == "0 s"
    assert knobs["restart condition"] == "on-failure"
    assert knobs["stop grace"] == "20 s"
    assert knobs["update order"] == "start-first"
    assert knobs["update monitor"] == "0.5 s"


def test_limits_placement_and_objects_are_shown_in_units() -> None:
    """As a person would write them, not as the API counts."""
    template = {
        "ContainerSpec": {
            "ReadOnly": True,
            "CapabilityDrop": ["ALL"],
            "Secrets": [{"SecretName": "lab-api-key-1"}],
        },
        "Placement": {"Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}]},
        "Resources": {"Limits": {"NanoCPUs": 500_000_000, "MemoryBytes": 256 << 20, "Pids": 9}},
    }
    knobs = swarm_knobs.knobs(spec(TaskTemplate=template, Mode={"Global": {}}))
    assert knobs["limits"] == "0.5 processors, 256 MiB, 9 processes"
    assert knobs["reservations"] == "none (default)"
    assert knobs["placement"] == "over node.labels.zone"
    assert knobs["root file system"] == "read-only"
    assert knobs["secrets"] == "lab-api-key-1"
    assert knobs["replicas"] == "one per node"


def test_when_redis_writes_to_disk_is_read_from_its_arguments() -> None:
    """Its own default loses up to a second of acknowledged writes."""
    redis = spec(TaskTemplate={"ContainerSpec": {"Args": ["redis-server", "--appendonly", "yes"]}})
    assert swarm_facts.fsync(redis) == "everysec (default)"
    redis["TaskTemplate"]["ContainerSpec"]["Args"] += ["--appendfsync", "always"]
    assert swarm_facts.fsync(redis) == "always"


def test_the_image_brings_the_health_check() -> None:
    """Without one in the service, Swarm obeys the image's."""
    image = {"Test": ["CMD", "probe"], "Interval": 2 * SECOND}
    shown = swarm_knobs.health(spec(), image)
    assert shown.startswith("from the image: every 2 s, time-out 30 s (default)")
    assert shown.endswith("retries 3 (default)")


def test_a_service_overrides_single_settings_of_the_image() -> None:
    """What it leaves out stays the image's."""
    own = {"Interval": SECOND, "Retries": 5}
    image = {"Test": ["CMD", "probe"], "Timeout": 4 * SECOND}
    service = spec(TaskTemplate={"ContainerSpec": {"Healthcheck": own}})
    shown = swarm_knobs.health(service, image)
    assert "every 1 s, time-out 4 s" in shown
    assert shown.endswith("retries 5")


def test_no_health_check_is_said() -> None:
    """Whether absent or switched off."""
    assert swarm_knobs.health(spec(), {}) == "none"
    assert swarm_knobs.health(spec(), {"Test": ["NONE"]}) == "none"
