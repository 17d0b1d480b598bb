"""What somebody who runs the app on Compose does to it, and asks of it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

from orchlab import console, shell
from orchlab.errors import OrchlabError, UsageError
from orchlab.images.store import PREFIX, Image
from orchlab.platforms.base import HARDENED, Rollout, Table
from orchlab.platforms.compose import files, ports
from orchlab.platforms.compose import status as compose_status
from orchlab.platforms.compose.project import UP
from orchlab.platforms.compose.running import Running
from orchlab.platforms.compose.stack import PLACES, Deployment
from orchlab.platforms.compose.update import Update

ID_DIGITS = 12
CLEAR_LINE = "\x1b[2K"
"""Compose begins every line of a log with it, into a pipe too."""


class Operations(Running):
    """Scaling, updates, status, logs and the end. Each change is a ``docker`` command."""

    def scale(self, replicas: int) -> None:
        """Run that many; returns when all of them serve.

        Raises ``UsageError`` for more than the edge has room for, and ``WaitTimeout``.
        """
        found = self.project.deployment()
        wanted = replace(found, replicas=replicas)
        require_room(wanted)
        if wanted.entries > found.entries:  # those that run keep theirs
            more = wanted.entries - found.entries
            wanted = replace(wanted, port=ports.after(found.port, more))
        flags = ["--no-recreate", "--no-deps", f"--scale=web={replicas}"]
        with console.step(f"compose: {found.replicas} -> {replicas} replicas"):
            self.project.apply(wanted, *UP, *flags, "web")
            self.await_serving(replicas)

    def update(self, image: Image) -> Rollout:
        """Move to ``image``; hardened one replica after another, undone if one does not serve.

        In defaults as a beginner does it: all at once, with an outage, and nothing is undone.
        Raises ``OrchlabError`` when nobody serves then.
        """
        found = self._keep_name(self.project.deployment(), image)
        found = replace(found, port=ports.kept(found.port, found.entries))
        move = Update(self, found, image)
        return move.one_by_one() if found.variant == HARDENED else move.all_at_once()

    def rollback(self) -> Rollout:
        """Go back to what ran before; raises ``OrchlabError`` if nothing did."""
        found = self.project.deployment()
        if not found.previous:
            raise OrchlabError("compose: nothing ran before", "update first")
        return self.update(self.present(found.previous))

    def status(self) -> list[Table]:
        """Containers, volumes, and what the unhealthy ones said last."""
        return compose_status.tables(
            [each.attrs for each in self.project.containers()],
            [each.attrs for each in self.project.volumes()],
        )

    def describe(self) -> str:
        """What the engine shows of the app's containers and volumes."""
        found = [*self.project.containers(), *self.project.volumes()]
        return json.dumps([each.attrs for each in found])

    def follow_logs(self, *, follow: bool, tail: int) -> None:
        """Print the last ``tail`` lines of each replica; with ``follow`` go on until Ctrl-C."""
        flags = ["--no-color", f"--tail={tail}", *(["--follow"] if follow else [])]
        command, environment = self.project.command(self.project.variant(), "logs", *flags, "web")
        with suppress(KeyboardInterrupt):
            shell.run(command, env=environment, on_line=_log_line)

    def down(self, *, volumes: bool) -> None:
        """Remove the app and its networks; its data only if ``volumes``. Idempotent."""
        flags = ["--remove-orphans", *(["--volumes"] if volumes else [])]
        with console.step(f"compose: remove the app{' and its data' if volumes else ''}"):
            self.project.compose(self.project.variant(), "down", *flags)
            files.remove(self.project.client)

    def _keep_name(self, found: Deployment, image: Image) -> Deployment:
        """A name of its own for what runs, if ``image`` has taken over the one it had."""
        running = {each.attrs["Image"] for each in self.project.containers("web")} - {image.id}
        if found.image != image.reference or not running:
            return found
        old = running.pop()
        tag = f"was-{old.removeprefix('sha256:')[:ID_DIGITS]}"
        self.project.client.images.get(old).tag(f"{PREFIX}/app", tag)
        return replace(found, image=f"{PREFIX}/app:{tag}")


def _log_line(line: str) -> None:
    console.line(line.removeprefix(CLEAR_LINE))


def require_room(wanted: Deployment) -> None:
    """Raise ``UsageError`` for more replicas than the edge leads to."""
    if wanted.variant == HARDENED and wanted.replicas > PLACES:
        hint = "raise server-template in stacks/edge/haproxy.cfg, and PLACES with it"
        raise UsageError(f"the edge has room for {PLACES} replicas", hint)
