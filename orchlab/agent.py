"""``invoke *-agent``: one question to a model, asked by a job on a platform."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from orchlab import console, credentials, labels
from orchlab.errors import OrchlabError, UsageError
from orchlab.platforms.base import Platform
from orchlab.platforms.capabilities import Errand, Jobs

KEY = "OPENAI_API_KEY"
SETTINGS = ("OPENAI_BASE_URL", "OPENAI_MODEL", "OPENAI_TIMEOUT", "OPENAI_RETRIES")
"""Variables of the user's that the agent gets as they are, those that are set."""

MEANINGS = MappingProxyType(
    {
        2: "a setting is wrong",
        3: "it has no key",
        4: "the endpoint refused",
        5: "the endpoint is unreachable from the container, or cut the connection",
        6: "the endpoint was silent for too long",
        130: "it was interrupted",
        143: "it was told to stop",
    }
)
"""Exit status of ``app/agent.py`` -> what it says."""

ID_BYTES = 3


class JobPlatform(Platform, Jobs, Protocol):
    """A platform that runs jobs."""


def ask(choose: Callable[[], JobPlatform], question: str, key_file: str = "") -> None:
    """Ask the question in a container of the app's image and print the answer.

    ``choose`` gives the platform, once there is something to ask. From nothing: a Swarm
    or a cluster is made if there is none. Raises ``UsageError``
    without a question or a key, and ``OrchlabError`` with the meaning of the job's exit
    status when it is not 0.
    """
    if not question.strip():
        raise UsageError("nothing is asked", 'say --question "..."')
    secret = key(key_file)
    platform = choose()
    platform.prepare()
    image = platform.images.app()
    platform.create()
    platform.publish(image)
    name = f"{labels.LAB}-agent-{secrets.token_hex(ID_BYTES)}"
    with credentials.lent(secret, name) as file:
        status = platform.run_agent(Errand(name, image, file, settings(question)))
    if status:
        meaning = MEANINGS.get(status, "app/agent.py does not name that one")
        hint = "the last line above says why; app/agent.py lists what each status means"
        raise OrchlabError(f"the agent's job ended with exit status {status}: {meaning}", hint)
    console.note(f"{platform.name}: the job ended with exit status 0")


def key(file: str) -> str:
    """The user's key, from a file or else from the environment; raises ``UsageError``."""
    try:
        found = Path(file).read_text(encoding="utf-8") if file else os.environ.get(KEY, "")
    except (OSError, ValueError) as error:
        raise UsageError(f"--key-file {file} cannot be read: {error}", "name another") from error
    if not found.strip():
        raise UsageError("there is no key for the endpoint", f"set {KEY}, or name a --key-file")
    return found.strip()


def settings(question: str) -> dict[str, str]:
    """The agent's variables."""
    return {"QUESTION": question} | {
        name: os.environ[name] for name in SETTINGS if os.environ.get(name)
    }
