"""The agent as a replicated job: a stack of one service that Swarm runs to its end."""

from __future__ import annotations

from orchlab import console, labels, shell
from orchlab.errors import OrchlabError
from orchlab.paths import STACKS
from orchlab.platforms.capabilities import Errand
from orchlab.platforms.swarm import leftovers as swarm_leftovers
from orchlab.platforms.swarm import tasks as swarm_tasks
from orchlab.platforms.swarm.running import Running
from orchlab.platforms.swarm.stack import Stack
from orchlab.platforms.swarm.tasks import Task
from orchlab.wait import wait_until

FILE = STACKS / "swarm.agent.yaml"
ENDED = ("complete", "failed", "rejected", "orphaned", "shutdown", "remove")
"""States of a task that no other state follows."""
START_SECONDS = 120.0
TOLD_SECONDS = 60.0
"""How long a manager may take to hear from the node that a container has ended."""
DEPLOY_SECONDS = 60.0


class Jobs(Running):
    """A stack of its own for each question."""

    def run_agent(self, errand: Errand) -> int:
        """Run the agent on whichever node Swarm chooses; its log holds whole lines."""
        stack = Stack(self.swarm_nodes.manager, errand.name)
        try:
            self._deploy(stack, errand)
            return self._followed(stack)
        finally:
            with console.step("swarm: remove the job and its key"):
                swarm_leftovers.remove(stack, self.swarm_nodes.all)

    def _deploy(self, stack: Stack, errand: Errand) -> None:
        given = variables(errand, self.registry.reference(errand.image))
        flags = ["--resolve-image=never", f"--compose-file={FILE}"]
        shell.run(
            ["docker", "stack", "deploy", *flags, stack.name],
            env={**stack.environment, **given},
            timeout=DEPLOY_SECONDS,
        )

    def _followed(self, stack: Stack) -> int:
        """Show the log of the one task, on its own node: there it ends with the container."""
        task = _await(stack, ("running", *ENDED), START_SECONDS)
        if not task.container:
            raise OrchlabError(f"the agent did not start: {task.error}", "mend that and ask again")
        node = self.swarm_nodes.node(task.node)
        logs = ["docker", "logs", "--follow", task.container]
        shell.run(logs, env=node.environment, on_line=console.line)
        return _await(stack, ENDED, TOLD_SECONDS).exit_status


def _await(stack: Stack, states: tuple[str, ...], seconds: float) -> Task:
    """The job's task, once it is in one of these states; raises ``WaitTimeout``."""
    return wait_until(
        f"the agent's task is {' or '.join(states[:2])}",
        lambda: next((each for each in stack.tasks(wanted=False) if each.state in states), None),
        timeout=seconds,
        state=lambda: swarm_tasks.troubles(found := stack.tasks(wanted=False)) or str(found),
    )


def variables(errand: Errand, reference: str) -> dict[str, str]:
    """Values for the file's variables; ``reference`` is the image as nodes pull it."""
    return {
        "ORCHLAB_LAB": labels.LAB,
        "APP_IMAGE": reference,
        "OPENAI_API_KEY_FILE": str(errand.key),
        **{name: literal(value) for name, value in errand.settings.items()},
    }


def literal(text: str) -> str:
    """A text that Swarm's templates, which it looks for in the environment, leave as it is."""
    return text.replace("{{", '{{"{{"}}')
