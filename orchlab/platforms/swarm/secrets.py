"""Secrets of the app on a swarm: objects that never change, so a new value is a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchlab import labels
from orchlab.errors import UsageError
from orchlab.platforms.swarm.files import API_KEY, content_hash
from orchlab.platforms.swarm.stack import STACK_LABEL, Stack


def replace_key(stack: Stack, key: Path) -> list[str]:
    """Make a secret of the key; return the flags of ``docker service update`` that use it.

    The name is the one that the stack file would give it, so that the next deployment
    finds it in place. Raises ``UsageError`` for a release without a key.
    """
    old = _current(stack)
    name = f"{stack.name}-api-key-{content_hash(key)}"
    marks = [f"--label={STACK_LABEL}={stack.name}", *labels.flags()]
    stack.run("secret", "create", *marks, name, str(key))
    file = old["File"]
    target = f"target={file['Name']},uid={file['UID']},gid={file['GID']},mode=0{file['Mode']:o}"
    return ["--secret-rm", str(old["SecretName"]), "--secret-add", f"source={name},{target}"]


def _current(stack: Stack) -> dict[str, Any]:
    container = stack.service("web")["Spec"]["TaskTemplate"]["ContainerSpec"]
    for each in container.get("Secrets") or ():
        if each["File"]["Name"] == API_KEY:
            found: dict[str, Any] = each
            return found
    hint = "`invoke swarm-deploy --variant hardened` deploys one with a key"
    raise UsageError("what runs has no API key", hint)
