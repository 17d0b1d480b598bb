from __future__ import annotations

from dataclasses import replace

import docker
import pytest
import requests

from orchlab import labels, shell, sweep
from orchlab.images.store import ImageStore
from orchlab.platforms.base import Platform, Release


def test_deploying_again_changes_nothing(platform: Platform, release: Release) -> None:
    """The same release deployed twice leaves the same replicas running."""
    before = {replica.id for replica in platform.replicas()}
    platform.create()
    platform.publish(release.image)
    platform.deploy(release)
    assert {replica.id for replica in platform.replicas()} == before


def test_a_changed_app_reaches_every_node(
    platform: Platform, release: Release, images: ImageStore
) -> None:
    """A new version of the app is what all replicas serve after its deployment."""
    changed = replace(release, image=images.app("2"))
    platform.publish(changed.image)
    platform.deploy(changed)
    try:
        for replica in platform.replicas():
            said = platform.exec(replica, "printenv", "APP_VERSION")
            assert said.strip() == "2"
        entry = platform.endpoints()[0].url
        assert requests.get(f"{entry}/whoami", timeout=5).json()["version"] == "2"
    finally:
        platform.deploy(release)


def test_facts_name_versions_and_knobs(platform: Platform) -> None:
    """Every platform says its versions, data path and the knobs in force."""
    facts = platform.facts()
    assert facts.versions
    assert facts.data_path
    assert facts.knobs


@pytest.mark.usefixtures("platform")
def test_everything_is_labelled() -> None:
    """No container of the platform is without the lab's label or kind's cluster name."""
    client = docker.from_env()
    for container in client.containers.list(all=True):
        if container.name.startswith(f"{labels.LAB}-"):
            marks = container.labels
            assert labels.LAB in (marks.get(labels.KEY), marks.get(sweep.KIND_CLUSTER))


@pytest.mark.usefixtures("platform")
def test_no_docker_api_on_tcp() -> None:
    """No container of the lab listens on the ports of an unauthenticated Docker API."""
    client = docker.from_env()
    for container in client.containers.list(filters=labels.selector()):
        tables = ("/proc/net/tcp", "/proc/net/tcp6")
        ports = _listening(shell.run(["docker", "exec", str(container.name), "cat", *tables]))
        assert not ports & {2375, 2376}, container.name


def _listening(table: str) -> set[int]:
    """Local ports in state LISTEN (0A) of a /proc/net/tcp table."""
    rows = [line.split() for line in table.splitlines()]
    return {int(row[1].split(":")[1], 16) for row in rows if len(row) > 3 and row[3] == "0A"}
