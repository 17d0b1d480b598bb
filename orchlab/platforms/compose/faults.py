"""Faults that the engine is not told of, and a new Redis."""

from __future__ import annotations

from signal import SIGCONT, SIGKILL, SIGSTOP, Signals

from docker.models.containers import Container

from orchlab import console
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.platforms import serving
from orchlab.platforms.base import Replica
from orchlab.platforms.compose.project import UP, execute, incarnation
from orchlab.platforms.compose.running import Running
from orchlab.platforms.processes import kill_in_engine, stopped
from orchlab.platforms.redis_cli import conversation
from orchlab.wait import wait_until

FAULT_SECONDS = 10
STORE_SECONDS = 120


class Faults(Running):
    """What can go wrong with a replica or with Redis, done from outside their containers."""

    def crash(self, replica: Replica) -> None:
        """SIGKILL the app process behind the engine's back; raises unless it is gone."""
        kill(self._same(replica), self._with_shell())

    def hang(self, replica: Replica) -> None:
        """SIGSTOP the app process behind the engine's back; raises unless it is stopped."""
        signal_process(self._same(replica), SIGSTOP, self._with_shell())

    def resume(self, replica: Replica) -> None:
        """SIGCONT it; nothing to do for a replica that was replaced meanwhile."""
        try:
            container = self._same(replica)
        except OrchlabError:
            return
        if container.status == "running":
            signal_process(container, SIGCONT, self._with_shell())

    def crash_store(self) -> None:
        """SIGKILL Redis behind the engine's back; raises unless it is gone."""
        kill(self.project.only("redis"), self._with_shell())

    def ask_store(self, *commands: str) -> list[str]:
        """Send commands to Redis over one connection; raises ``CommandFailed``."""
        return execute(self.project.only("redis"), *conversation(*commands)).splitlines()

    def recreate_store(self) -> None:
        """Replace the Redis container by a new one; returns when the app reaches it again."""
        found, before = self.project.deployment(), self.project.only("redis").id
        with console.step("compose: a new Redis container on the same volume"):
            self.project.apply(found, *UP, "--force-recreate", "--no-deps", "redis")
            redis = self.project.only("redis")
            if redis.id == before:
                raise OrchlabError("the Redis container was not replaced")
            wait_until("Redis answers", lambda: _pings(redis), timeout=STORE_SECONDS)
            serving.wait_for_store(self.endpoints, found.replicas, self.ask)

    def _same(self, replica: Replica) -> Container:
        container = self.project.container(replica.id)
        if incarnation(container.attrs) != replica.id:
            raise OrchlabError(f"{replica.name} has been replaced meanwhile")
        return container

    def _with_shell(self) -> str:
        """Redis' image: the app's own may have no shell."""
        return self.images.ensure("redis").reference


def kill(container: Container, helper: str = "") -> None:
    """SIGKILL its process behind the engine's back; raises unless it is gone.

    ``helper`` is an image with a shell, if the container's own may have none.
    """
    before = incarnation(container.attrs)
    kill_in_engine(container, SIGKILL, helper)

    def gone() -> bool:
        container.reload()
        return container.status != "running" or incarnation(container.attrs) != before

    wait_until(f"{container.name}: process gone", gone, timeout=FAULT_SECONDS, pause=0.02)


def signal_process(container: Container, signal: Signals, helper: str = "") -> None:
    """Stop or continue the process; returns when the kernel says so."""
    kill_in_engine(container, signal, helper)
    wait_until(
        f"{container.name}: {signal.name} seen",
        lambda: stopped(container) == (signal is SIGSTOP),
        timeout=FAULT_SECONDS,
        pause=0.02,
    )


def _pings(redis: Container) -> bool:
    """False too while the container is still starting."""
    try:
        return "PONG" in execute(redis, "redis-cli", "PING")
    except CommandFailed:
        return False
