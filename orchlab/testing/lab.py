"""What the tests of one session share, for as long as somebody uses it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab import engine, labels, sweep
from orchlab.errors import UsageError
from orchlab.lifecycle import image_store
from orchlab.plan import recommended
from orchlab.platforms.base import Platform, Release
from orchlab.platforms.registry import PLATFORMS
from orchlab.testing.failed import explained

WORKER = "PYTEST_XDIST_WORKER"


class Lab:
    """Platforms with their nodes, in a lab beside the user's own.

    ``policy`` says where images come from, ``logs`` where logs go; ``keep`` leaves all
    that was brought up. Raises ``UsageError`` in a process that shares the tests with
    others, and ``HostUnfit`` without an engine.
    """

    def __init__(self, policy: str, logs: Path, *, keep: bool) -> None:
        if WORKER in os.environ:
            hint = "run these tests with `-n 0`: one set of nodes is enough for this machine"
            raise UsageError("several test processes cannot share one lab", hint)
        labels.enter("test")
        engine.ensure()
        self.images = image_store(policy)
        self.logs = logs
        self.keep = keep
        self._made: dict[str, Platform] = {}
        self._users: Counter[str] = Counter()

    @contextmanager
    def nodes(self, name: str) -> Iterator[Platform]:
        """A platform with nodes and without the app; whoever is the last to leave removes it."""
        platform = self._made.setdefault(name, PLATFORMS[name](self.images))
        self._users[name] += 1
        try:
            with explained(platform.name, platform, self.logs):
                platform.prepare()
                platform.create()
            yield platform
        finally:
            self._users[name] -= 1
            if not self._users[name] and not self.keep:
                platform.delete()
                sweep.leftover(labels.LAB)

    @contextmanager
    def deployed(self, name: str) -> Iterator[Platform]:
        """A platform with the lab's app in steady state, in the variant that the lab recommends."""
        with self.nodes(name) as platform:
            release = self.release(platform)
            with explained(platform.name, platform, self.logs):
                platform.publish(release.image)
                platform.deploy(release)
            yield platform
            if self._users[name] > 1 and not self.keep:
                platform.undeploy()

    def release(self, platform: Platform) -> Release:
        """The lab's app as a platform is to run it: three replicas."""
        return Release(self.images.app(), variant=recommended(platform.variants))
