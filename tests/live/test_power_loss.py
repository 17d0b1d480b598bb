"""What a SIGKILL and what a power loss take from Redis' append-only file.

The lab cannot cut a machine's power, but a file system can be told to stop as if somebody
had (the ioctl that the kernel's own file system tests use): nothing that is in memory is
written any more. Redis' data are on such a file system in a file; what a power loss would
have left is found by mounting it again. A disk that loses what it said was written is
beyond this.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from orchlab import console, labels, shell
from orchlab.images.store import ImageStore
from orchlab.wait import wait_until

NAME = f"{labels.LAB}-power"
DISK_BYTES = 64 * 2**20
KEY = "count"
SECONDS = 1.0
WAIT_MS = 30_000
CROSSING = 1
"""Acknowledgements that may cross the cut, of one writer. A real one ends the process as well;
here an fsync under way can succeed although the journal was aborted: jbd2_complete_transaction
has no error for a transaction that is neither running nor committing any more."""
START = "mount -o loop /host/disk /data && exec redis-server --protected-mode no --dir /data"
SHUTDOWN = """
open(my $root, "<", "/data") or die $!;
my $how = pack("L", 2);  # EXT4_GOING_FLAGS_NOLOGFLUSH: the journal stays as it is on the disk
ioctl($root, 0x8004587d, $how) or die $!;  # EXT4_IOC_SHUTDOWN
"""


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A directory with an empty file system in the file ``disk``."""
    file = tmp_path / "disk"
    with file.open("wb") as empty:
        empty.truncate(DISK_BYTES)
    shell.run(["mkfs.ext4", "-q", file])
    return tmp_path


@contextmanager
def redis_on(disk: Path, images: ImageStore, fsync: str) -> Iterator[Redis]:
    """Redis with its data on that file system, which only its container has mounted."""
    run = ["docker", "run", "-d", "--privileged", f"--name={NAME}", *labels.flags()]
    run += [f"--volume={disk}:/host", "--publish=127.0.0.1:0:6379"]
    options = f"{START} --appendonly yes --appendfsync {fsync}"
    shell.run([*run, images.ensure("redis").reference, "sh", "-c", options])
    try:
        bound = docker.from_env().containers.get(NAME).ports["6379/tcp"][0]["HostPort"]
        with Redis(port=int(bound), retry=Retry(NoBackoff(), 0), socket_timeout=10) as client:
            wait_until("Redis answers", lambda: _answers(client), timeout=60, state=said)
            yield client
    finally:
        shell.run(["docker", "rm", "--force", NAME])


def said() -> str:
    """What the container printed: why there is no file system, or no Redis on it."""
    return docker.from_env().containers.get(NAME).logs().decode()


def _answers(client: Redis) -> bool:
    with contextlib.suppress(RedisError):
        return bool(client.ping())
    return False


def cut_power() -> None:
    """Nothing that is only in memory reaches the disk from now on."""
    shell.run(["docker", "exec", NAME, "perl", "-e", SHUTDOWN])


def kill() -> None:
    """SIGKILL: the kernel still has what Redis wrote."""
    shell.run(["docker", "kill", NAME])


class Writer(threading.Thread):
    """Increments until Redis fails; ``acknowledged`` is the last value that it was told."""

    def __init__(self, client: Redis) -> None:
        super().__init__()
        self.acknowledged = 0
        self._client = client

    def run(self) -> None:
        with contextlib.suppress(RedisError):
            while True:
                self.acknowledged = int(self._client.incr(KEY))


def written(client: Redis, end: Callable[[], None]) -> tuple[int, int]:
    """The last acknowledged value when all ends, and one of which Redis said: on the disk."""
    writer = Writer(client)
    writer.start()
    try:
        time.sleep(SECONDS)
        on_disk = writer.acknowledged
        client.set("later", 1)
        assert client.execute_command("WAITAOF", 1, 0, WAIT_MS)[0] == 1
        time.sleep(SECONDS / 2)  # the next sync of everysec is as far away
    finally:
        end()
        writer.join()
    return writer.acknowledged, on_disk


@pytest.mark.parametrize(
    ("fsync", "end", "loses"),
    [("everysec", kill, False), ("everysec", cut_power, True), ("always", cut_power, False)],
)
def test_what_is_lost(
    disk: Path,
    images: ImageStore,
    fsync: str,
    end: Callable[[], None],
    *,
    loses: bool,
) -> None:
    """A SIGKILL takes nothing, a power loss what was not synced, and that is what Redis says."""
    with redis_on(disk, images, fsync) as client:
        acknowledged, on_disk = written(client, end)
    with redis_on(disk, images, fsync) as client:
        kept = int(client.get(KEY) or 0)
    note = f"{fsync}, {end.__name__}: acknowledged {acknowledged}, synced {on_disk}, kept {kept}"
    console.note(note)
    assert 0 < on_disk <= kept
    crossing = CROSSING if end is cut_power else 0
    assert (acknowledged - kept > crossing) == loses
