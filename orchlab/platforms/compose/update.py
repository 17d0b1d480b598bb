"""How the app moves to another image: all at once, or one replica after another.

Compose itself only knows the first: it replaces every container whose definition
changed, whatever comes of it. The second is made of the same plain commands, one more
replica at a time, behind an edge that only leads to what is ready.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from docker.errors import NotFound
from docker.models.containers import Container

from orchlab import console, labels, shell, sweep
from orchlab.errors import CommandFailed, OrchlabError, WaitTimeout
from orchlab.images.store import Image
from orchlab.platforms.base import Rollout
from orchlab.platforms.compose.health import last_check, serves, trouble
from orchlab.platforms.compose.project import UP, why
from orchlab.platforms.compose.running import Running
from orchlab.platforms.compose.stack import Deployment
from orchlab.wait import wait_until

HEALTHY_SECONDS = 90.0
"""For one replica to boot and to become healthy."""
READY_SECONDS = 15.0
"""For a healthy replica to reach Redis."""
REACHED_SECONDS = 30.0
"""For the edge to find it through DNS and to see it ready."""
EDGE_NETWORK = "frontend"


class NotServing(OrchlabError):
    """A new replica does not do what it is for."""


@dataclass(frozen=True)
class Update:
    """A move of what ``app`` runs, which is ``before``, to ``image``."""

    app: Running
    before: Deployment
    image: Image

    @property
    def after(self) -> Deployment:
        """What is to run; the label says what ran before."""
        return replace(self.before, image=self.image.reference, previous=self.before.image)

    def all_at_once(self) -> Rollout:
        """Replace every replica: nobody serves meanwhile, and nobody goes back.

        An image that the engine does not have changes nothing. Raises ``OrchlabError``
        when the new replicas do not serve.
        """
        try:
            with console.step(f"compose: all replicas -> {self.image.reference}"):
                self.app.project.apply(self.after, *UP)
                for each in self.app.project.containers("web"):
                    self._await_healthy(each)
                self.app.await_serving(self.before.replicas)
        except CommandFailed as error:
            if self._with(self.image):
                raise
            return Rollout("rolled-back", self.before.image, _last_line(error))
        except (NotServing, WaitTimeout) as error:
            hint = "`invoke compose-rollback` brings the old image back"
            raise OrchlabError(f"nobody serves: {error.message}", hint) from error
        return Rollout("updated", self.image.reference)

    def one_by_one(self) -> Rollout:
        """Start one replica more, wait until clients reach it, stop an old one; and so on.

        When one does not serve, all of the old image serve again, and the reason is said.
        """
        try:
            for old in self._without(self.image):
                with console.step(f"compose: {old.name} -> {self.image.reference}"):
                    self._exchange(old, self.after)
        except (CommandFailed, NotServing, WaitTimeout) as error:
            reason = _last_line(error) if isinstance(error, CommandFailed) else error.message
            console.warn(reason)
            self._undo()
            return Rollout("rolled-back", self.before.image, reason)
        except KeyboardInterrupt:
            time.sleep(sweep.INTERRUPTED_SECONDS)  # what is just being made is in no list yet
            self._undo()
            raise
        return Rollout("updated", self.image.reference)

    def _exchange(self, old: Container, deployment: Deployment) -> None:
        """One container of ``deployment`` instead of ``old``; raises unless it serves."""
        new = self._one_more(deployment)
        wait_until(
            f"clients reach the new replica {new.name}",
            lambda: self.app.reaches(new.attrs["Config"]["Hostname"]),
            timeout=REACHED_SECONDS,
            state=lambda: self.app.says(new),
        )
        _retire(old)

    def _one_more(self, deployment: Deployment) -> Container:
        """A new replica, which clients meet only when it is ready; raises unless it becomes so.

        HAProxy leads requests to an address that is new in DNS until its first check of it.
        So the replica joins the edge's network last.
        """
        new = self._create(deployment)
        network, name = f"{labels.LAB}_{EDGE_NETWORK}", str(new.name)
        shell.run(["docker", "network", "disconnect", network, name])
        shell.run(["docker", "start", name])
        self._await_healthy(new)
        wait_until(
            f"the new replica {name} is ready",
            lambda: self.app.health(new).startswith("200"),
            timeout=READY_SECONDS,
            state=lambda: self.app.says(new),
        )
        shell.run(["docker", "network", "connect", "--alias=web", network, name])
        return new

    def _create(self, deployment: Deployment) -> Container:
        project = self.app.project
        before = {each.id for each in project.containers("web")}
        flags = ["--no-start", "--no-recreate", "--no-deps", f"--scale=web={len(before) + 1}"]
        project.apply(deployment, *UP, *flags, "web")
        return next(each for each in project.containers("web") if each.id not in before)

    def _await_healthy(self, new: Container) -> None:
        def ready() -> bool:
            new.reload()
            if trouble(new.attrs):
                raise NotServing(why(new))
            return serves(new.attrs)

        wait_until(
            f"the new replica {new.name} becomes healthy",
            ready,
            timeout=HEALTHY_SECONDS,
            state=lambda: f"health check: {last_check(new.attrs)}",
        )

    def _undo(self) -> None:
        """As many replicas of the old image as before, and none of the new one."""
        with console.step(f"compose: back to {self.before.image}"):
            for new in self._with(self.image):
                new.reload()
                if len(self._without(self.image)) >= self.before.replicas or not serves(new.attrs):
                    _retire(new)
                else:
                    self._exchange(new, self.before)
            missing = self.before.replicas - len(self._without(self.image))
            for _ in range(missing):
                self._one_more(self.before)

    def _with(self, image: Image) -> list[Container]:
        """Replicas whose image has both its name and its content."""
        wanted = (image.reference, image.id)
        return [each for each in self.app.project.containers("web") if _runs(each) == wanted]

    def _without(self, image: Image) -> list[Container]:
        wanted = (image.reference, image.id)
        return [each for each in self.app.project.containers("web") if _runs(each) != wanted]


def _runs(container: Container) -> tuple[str, str]:
    return container.attrs["Config"]["Image"], container.attrs["Image"]


def _retire(container: Container) -> None:
    """Stop and remove: it finishes what it has while the edge leads nobody there any more."""
    try:
        container.reload()
    except NotFound:
        return
    try:
        shell.run(["docker", "stop", str(container.name)])
        shell.run(["docker", "rm", str(container.name)])
    except KeyboardInterrupt:  # the engine would go on stopping what still looks alive
        shell.run(["docker", "rm", "--force", str(container.name)])
        raise


def _last_line(error: CommandFailed) -> str:
    lines = error.output.strip().splitlines()
    return lines[-1].strip() if lines else error.message
