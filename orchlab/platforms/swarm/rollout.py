"""Changes of the app's service, followed until Swarm says how they ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orchlab import console
from orchlab.errors import OrchlabError
from orchlab.platforms.base import Rollout
from orchlab.platforms.swarm import tasks as swarm_tasks
from orchlab.platforms.swarm.leftovers import names
from orchlab.platforms.swarm.stack import BUSY, HALTED, SEE_TASKS, UNDONE, Stack
from orchlab.platforms.swarm.tasks import Task
from orchlab.wait import wait_until

SERVICE = "web"
PREVIOUS_LABEL = "orchlab.previous"
"""Label of the service: the image before the last update. Swarm keeps one earlier
specification itself, but scaling counts as a change, too, and takes its place."""

BASE_SECONDS = 180.0
REPLICA_SECONDS = 60.0
"""Patience with a change: an image that never becomes healthy is found out after two
minutes by the default health check, and each replica takes its turn."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a change stands. ``state`` and ``message`` are Swarm's own (``UpdateStatus``)."""

    state: str
    message: str
    text: str
    settled: bool


def progress(service: dict[str, Any], tasks: Iterable[Task]) -> Progress:
    """What a service and the tasks that it wants say of a change."""
    update, wanted = service.get("UpdateStatus") or {}, list(tasks)
    state, message = update.get("State", ""), update.get("Message", "")
    whole = len(wanted) == service["ServiceStatus"]["DesiredTasks"] and all(
        each.current and each.state == "running" for each in wanted
    )
    shown = (
        f"{each.name.rpartition('_')[2]} {'' if each.current else 'old, '}{each.state}"
        for each in sorted(wanted, key=lambda each: each.name)
    )
    settled = state in HALTED or (state not in BUSY and whole)
    return Progress(state, message, f"{state or 'waiting'}: {'; '.join(shown)}", settled)


@dataclass(frozen=True, slots=True)
class Rollouts:
    """The changes. Each returns, or raises, when Swarm has ended it."""

    stack: Stack

    @property
    def name(self) -> str:
        """The service's full name."""
        return f"{self.stack.name}_{SERVICE}"

    def image(self) -> str:
        """The image that the service asks for; raises ``OrchlabError`` if it is not deployed."""
        return _image(self.stack.service(SERVICE)["Spec"])

    def update(self, reference: str) -> Rollout:
        """Move to an image. What Swarm only pauses, the lab rolls back."""
        note = f"{PREVIOUS_LABEL}={self.image()}"
        return self.change("--no-resolve-image", "--image", reference, "--label-add", note)

    def change(self, *flags: str) -> Rollout:
        """Change the service with flags of ``docker service update``.

        Raises ``WaitTimeout`` for a change that never ends, and ``OrchlabError`` when
        the way back failed as well.
        """
        known = {each.id for each in self._failed()}
        self.stack.run("service", "update", "--detach", *flags, self.name)
        end = self.follow("update")
        if end.state not in (*HALTED, UNDONE):
            return Rollout("updated", self.image())
        failed = [each for each in self._failed() if each.id not in known]
        reason = swarm_tasks.troubles(failed) or end.message
        if end.state == "paused":
            console.warn(f"Swarm paused the update, going back: {reason}")
            self._back()
        elif end.state != UNDONE:
            raise self._lost(reason)
        return Rollout("rolled-back", self.image(), reason)

    def rollback(self) -> Rollout:
        """Go back to what ran before the last update; raises ``OrchlabError`` if nothing did.

        Swarm's own rollback, which brings configuration and secrets back as well; or
        where scaling has taken the place of what it remembers, or a secret is gone,
        an update to the image before.
        """
        service = self.stack.service(SERVICE)
        if self._can_go_back(service):
            self._back()
            return Rollout("updated", self.image())
        image = service["Spec"].get("Labels", {}).get(PREVIOUS_LABEL)
        if image is None or image == _image(service["Spec"]):
            hint = "`invoke swarm-update` moves to an image of your choice"
            raise OrchlabError("nothing ran before that could be gone back to", hint)
        return self.update(image)

    def follow(self, what: str) -> Progress:
        """Show Swarm's state of the change and of its tasks; returns when it has ended."""
        last = [Progress("", "", "", settled=False)]
        replicas = int(self.stack.service(SERVICE)["ServiceStatus"]["DesiredTasks"])
        with console.step(f"swarm: {what} of {self.name}") as show:

            def settled() -> bool:
                now = progress(self.stack.service(SERVICE), self.stack.tasks(SERVICE))
                if now.message and now.message != last[0].message:
                    console.note(f"{self.name}: {now.state}: {now.message}")
                last[0] = now
                show(now.text)
                return now.settled

            wait_until(
                f"the {what} of {self.name} ended",
                settled,
                timeout=BASE_SECONDS + REPLICA_SECONDS * replicas,
                pause=0.3,
                state=lambda: swarm_tasks.troubles(self._failed()) or last[0].text,
                hint=SEE_TASKS,
            )
        return last[0]

    def _back(self) -> None:
        """``docker service rollback``; raises ``OrchlabError`` when that fails, too."""
        self.stack.run("service", "rollback", "--detach", self.name)
        if self.follow("rollback").state in HALTED:
            raise self._lost(swarm_tasks.troubles(self._failed()))

    def _can_go_back(self, service: dict[str, Any]) -> bool:
        previous = service.get("PreviousSpec")
        if not previous or swarm_tasks.same(
            previous["TaskTemplate"], service["Spec"]["TaskTemplate"]
        ):
            return False
        with self.stack.api() as client:
            secrets = {each.name for each in client.secrets.list(filters=self.stack.chosen)}
        return secrets.issuperset(names(previous, "Secret"))

    def _failed(self) -> list[Task]:
        return [each for each in self.stack.tasks(SERVICE, wanted=False) if each.error]

    def _lost(self, reason: str) -> OrchlabError:
        message = f"neither the change of {self.name} nor the way back works: {reason}"
        return OrchlabError(message, SEE_TASKS)


def _image(spec: dict[str, Any]) -> str:
    return str(spec["TaskTemplate"]["ContainerSpec"]["Image"])
