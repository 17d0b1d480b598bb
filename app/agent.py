"""A job in the same image: ``python -m app.agent`` asks a model one question and ends.

It prints the answer on stdout while it comes; what went wrong is one line on stderr and the
exit status:

======  ================================================================================
0       answered
2       a setting is wrong or missing
3       no key
4       refused: the endpoint answered, but not the question (a wrong key, an unknown
        model, too many requests, a fault of its own), or its answer cannot be read
5       unreachable: no connection, or it was cut
6       time-out: nothing was heard for ``OPENAI_TIMEOUT`` seconds
130     stopped by Ctrl-C (SIGINT); 143: told to stop (SIGTERM)
======  ================================================================================

What may come right by itself (429, 5xx, no connection, silence) is tried again after 0.5 s,
twice as long each time and at most 8 s, or as long as the endpoint says: that is the official
client's own way. An answer that has begun is never asked for again, since half of it is out.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.settings import MASK, BadSettings, checked, secret_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai import OpenAI

LONGEST = 500
"""Characters of a reason: what is no endpoint of this kind may answer with a whole page."""


class Exit(IntEnum):
    """How it went, as an exit status."""

    ANSWERED = 0
    WRONG_SETTING = 2
    NO_KEY = 3
    REFUSED = 4
    UNREACHABLE = 5
    TIME_OUT = 6


class Settings(BaseSettings):
    """One field per environment variable of the same name in capitals; empty is not set.

    A key in a file counts more than one in the environment, which `docker inspect` shows.
    ``openai_timeout``: seconds of silence, before or amid an answer, that are too long.
    ``openai_retries``: how often a question is asked again before anything has come.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    question: str = Field(min_length=1)
    openai_api_key: SecretStr | None = None
    openai_api_key_file: Path | None = None
    openai_base_url: HttpUrl = HttpUrl("https://api.openai.com/v1")
    openai_model: str = "gpt-5.4-mini"
    openai_timeout: float = Field(default=60, gt=0, le=600)
    openai_retries: int = Field(default=2, ge=0, le=10)


class Failed(Exception):
    """There is no answer, or not all of it; ``status`` says why to a program."""

    def __init__(self, status: Exit, why: str) -> None:
        super().__init__(why)
        self.status = status


def key(settings: Settings) -> str:
    """The key, wherever it comes from; raises ``Failed``."""
    try:
        found = settings.openai_api_key
        if settings.openai_api_key_file:
            found = secret_in(settings.openai_api_key_file)
    except ValueError as error:
        raise Failed(Exit.NO_KEY, f"OPENAI_API_KEY_FILE: {error}") from None
    if found is None:
        raise Failed(Exit.NO_KEY, "no key: set OPENAI_API_KEY_FILE or OPENAI_API_KEY")
    return found.get_secret_value()


def answer(settings: Settings, secret: str) -> Iterator[str]:
    """The answer, piece by piece as the model writes it; raises ``Failed``."""
    import openai  # slow: who has no key, or a wrong setting, need not wait for it

    where = settings.openai_base_url.host
    client = openai.OpenAI(
        api_key=secret,
        base_url=str(settings.openai_base_url),
        timeout=settings.openai_timeout,
        max_retries=settings.openai_retries,
    )
    try:
        with client:
            yield from _pieces(client, settings)
    except openai.APITimeoutError:
        silence = f"{settings.openai_timeout:g} s without a word from {where}"
        raise Failed(Exit.TIME_OUT, f"time-out: {silence}") from None
    except openai.APIConnectionError as error:
        why = error.__cause__ or error
        raise Failed(Exit.UNREACHABLE, f"unreachable: {where}: {why}") from None
    except openai.APIError as error:
        raise Failed(Exit.REFUSED, f"refused by {where}: {error}") from None
    except ValueError:
        raise Failed(Exit.REFUSED, f"{where} does not speak the protocol") from None


def _pieces(client: OpenAI, settings: Settings) -> Iterator[str]:
    stream = client.chat.completions.create(
        model=settings.openai_model,
        messages=[{"role": "user", "content": settings.question}],
        stream=True,
    )
    begun = ended = False
    with stream:
        for chunk in stream:
            begun = True
            for choice in chunk.choices or ():
                if choice.delta.content:
                    yield choice.delta.content
                ended = ended or choice.finish_reason is not None
    if not begun:
        raise ValueError  # it was something else than a stream of events
    if not ended:
        raise Failed(Exit.UNREACHABLE, "the answer was cut off")


def ask(settings: Settings) -> None:
    """Print the answer while it comes; raises ``Failed`` with one line that never holds the key."""
    secret = key(settings)
    begun = False
    try:
        for piece in answer(settings, secret):
            begun = True
            sys.stdout.write(piece)
            sys.stdout.flush()
    except Failed as error:
        told = " ".join(str(error).replace(secret, MASK).split())
        raise Failed(error.status, told[:LONGEST]) from None
    finally:
        if begun:
            sys.stdout.write("\n")
            sys.stdout.flush()


def end_when_told() -> None:
    """Let SIGTERM and SIGINT end the process at once, with the status that a shell would give it.

    A thread waits for them. A handler would run in the main thread, and not before the read that
    a signal came just in front of returns; and without any, PID 1 would not even notice.
    """
    told = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, told)
    threading.Thread(target=lambda: os._exit(128 + signal.sigwait(told)), daemon=True).start()


def main() -> int:
    """Ask; return the exit status."""
    try:
        ask(checked(Settings))
    except BadSettings as error:
        print(error, file=sys.stderr)  # noqa: T201 (one line for whoever starts it)
        return Exit.WRONG_SETTING
    except Failed as error:
        print(error, file=sys.stderr)  # noqa: T201 (as above)
        return error.status
    return Exit.ANSWERED


if __name__ == "__main__":
    end_when_told()
    sys.exit(main())
