"""A job beside the app: an agent that asks a model one question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import IMAGES, command

if TYPE_CHECKING:
    from invoke.context import Context

ASK = {
    "question": "what to ask",
    "key-file": "a file with the endpoint's key; else OPENAI_API_KEY has it",
}


@command(**ASK, **IMAGES)
def compose_agent(
    _: Context, *, question: str = "", key_file: str = "", images: str = "auto"
) -> None:
    """Ask a model one question by a container of `docker compose run --rm`; print the answer.

    OPENAI_BASE_URL and OPENAI_MODEL say whom, as containers reach it; app/agent.py lists
    all settings, and what each exit status of the job means.

    Example: invoke compose-agent --question "What is a quorum?"
    """
    from orchlab import agent
    from orchlab.tasks.compose import own_stack

    agent.ask(lambda: own_stack(images), question, key_file)


@command(**ASK, **IMAGES)
def swarm_agent(
    _: Context, *, question: str = "", key_file: str = "", images: str = "auto"
) -> None:
    """Ask a model one question by a replicated job; print the answer.

    OPENAI_BASE_URL and OPENAI_MODEL say whom, as containers reach it; app/agent.py lists
    all settings, and what each exit status of the job means.

    Example: invoke swarm-agent --question "What is a quorum?"
    """
    from orchlab import agent
    from orchlab.tasks.swarm import own_swarm

    agent.ask(lambda: own_swarm(images), question, key_file)


@command(**ASK, **IMAGES)
def k8s_agent(_: Context, *, question: str = "", key_file: str = "", images: str = "auto") -> None:
    """Ask a model one question by a Kubernetes Job; print the answer.

    OPENAI_BASE_URL and OPENAI_MODEL say whom, as containers reach it; app/agent.py lists
    all settings, and what each exit status of the job means.

    Example: invoke k8s-agent --question "What is a quorum?"
    """
    from orchlab import agent
    from orchlab.tasks.k8s import own_cluster

    agent.ask(lambda: own_cluster(images), question, key_file)
