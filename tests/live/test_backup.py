from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from orchlab import labels
from orchlab.backup import operations
from orchlab.backup.archive import Unusable
from orchlab.experiments.client import count, increment
from orchlab.images.store import ImageStore
from orchlab.platforms.base import DEFAULTS, Platform, Release
from orchlab.platforms.compose.adapter import Compose
from orchlab.records import Finding
from orchlab.wait import wait_until
from tests.live import commands

NAME = "moved.bin"
REDIS_SECONDS = 60.0
STOPPING = re.compile(rb"stop redis|redis=0|--replicas=0")
"""What a restore says when it takes Redis away."""


@pytest.fixture
def stack(images: ImageStore) -> Iterator[Compose]:
    """A Compose stack of one replica beside the platform under test."""
    made = Compose(images)
    made.prepare()
    try:
        made.deploy(Release(images.app(), replicas=1, variant=DEFAULTS))
        yield made
    finally:
        made.delete()


@pytest.mark.question("backup")
def test_a_backup_restores_byte_for_byte(answer: Callable[[], Finding]) -> None:
    """Counter and files are what they were, in every replica, after they changed and were lost."""
    finding = answer()
    assert finding.verdict == "pass", finding
    assert finding.values["files"] >= 1
    assert finding.values["replicas"] == 3


def test_a_damaged_backup_is_refused_and_the_data_stay(platform: Platform, tmp_path: Path) -> None:
    """One changed byte; Redis is not even stopped."""
    url, path = platform.endpoints()[0].url, tmp_path / "data.tar"
    operations.backup(platform, path)
    content = bytearray(path.read_bytes())
    content[content.index(b"REDIS0")] ^= 1
    path.write_bytes(content)
    after = increment(url)
    before = {each.id for each in platform.replicas()}
    with pytest.raises(Unusable):
        operations.restore(platform, path)
    assert (count(url), {each.id for each in platform.replicas()}) == (after, before)


def test_ctrl_c_amid_a_restore_leaves_redis_running(platform: Platform, tmp_path: Path) -> None:
    """Also the second one, of somebody impatient, amid its start."""
    url, path = platform.endpoints()[0].url, tmp_path / "data.tar"
    operations.backup(platform, path)
    task = ("restore", f"--platform={platform.name}", f"--from={path}")
    commands.interrupt(*task, when=STOPPING, times=2, ORCHLAB_LAB=labels.LAB)
    wait_until("the app reaches Redis", lambda: reaches_redis(url), timeout=REDIS_SECONDS)


@pytest.mark.only("k8s")
def test_data_move_from_compose_to_kubernetes_and_back(
    stack: Compose, platform: Platform, tmp_path: Path
) -> None:
    """There every pod has the file and the count; what is written there comes back with them."""
    here, there = stack.endpoints()[0].url, platform.endpoints()[0].url
    content, path = os.urandom(300_000), tmp_path / "data.tar"
    counted = max(increment(here) for _ in range(7))
    put(here, NAME, content)
    operations.backup(stack, path)
    increment(here)
    operations.restore(platform, path)
    assert count(there) == counted
    assert {get(there, NAME) for _ in range(12)} == {content}
    increment(there)
    operations.backup(platform, path)
    delete(here, NAME)
    operations.restore(stack, path)
    assert (count(here), get(here, NAME)) == (counted + 1, content)
    assert increment(here) == counted + 2


def reaches_redis(url: str) -> bool:
    try:
        return requests.get(f"{url}/count", timeout=5).ok
    except requests.RequestException:
        return False


def put(url: str, name: str, content: bytes) -> None:
    requests.put(f"{url}/files/{name}", data=content, timeout=5).raise_for_status()


def get(url: str, name: str) -> bytes:
    answer = requests.get(f"{url}/files/{name}", timeout=5)
    answer.raise_for_status()
    return answer.content


def delete(url: str, name: str) -> None:
    requests.delete(f"{url}/files/{name}", timeout=5).raise_for_status()
