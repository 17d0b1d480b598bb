"""The app as somebody edits it: ``stacks/compose.dev.yaml`` over ``compose.yaml``."""

from __future__ import annotations

from orchlab import console, labels, shell
from orchlab.paths import STACKS
from orchlab.platforms.base import DEFAULTS
from orchlab.platforms.compose import ports
from orchlab.platforms.compose.adapter import Compose
from orchlab.platforms.compose.project import UP
from orchlab.platforms.compose.stack import FILES

OVERRIDE = STACKS / "compose.dev.yaml"
VARIANT = "dev"
TAIL = 20


def command(*argv: str) -> list[str]:
    """A ``docker compose`` on both files."""
    files = [f"--file={file}" for file in (FILES[DEFAULTS], OVERRIDE)]
    return ["docker", "compose", "-p", labels.LAB, *files, *argv]


def serve(stack: Compose) -> None:
    """Bring it up, say where, follow the log until Ctrl-C; then stop it. The data stay."""
    variables = bring_up(stack)
    try:
        for endpoint in stack.endpoints():
            console.line(f"{endpoint.url} serves app/ as it is now; Ctrl-C ends it")
        stack.follow_logs(follow=True, tail=TAIL)
    finally:
        with console.step("compose: stop"):
            shell.run(command("stop"), env=variables)


def bring_up(stack: Compose) -> dict[str, str]:
    """Start the containers in place of any other variant; return the files' variables.

    Raises ``OrchlabError`` when no port is free, else ``CommandFailed``. Whether the
    code works is for the log to say: a broken line is a state of development too.
    """
    before = stack.project.variant()
    variables = {
        "ORCHLAB_LAB": labels.LAB,
        "APP_IMAGE": stack.images.app().reference,
        "REDIS_IMAGE": stack.images.ensure("redis").reference,
        "WEB_PORT": ports.block(stack.port, 1) if stack.port else ports.free_block(1),
        "NODE_NAME": stack.project.node,
    }
    with console.step("compose: the app from app/, read again at each edit"):
        if before not in ("", VARIANT):
            stack.project.compose(before, "down", "--remove-orphans")
        shell.run(command(*UP, "--remove-orphans"), env=variables)
    return variables
