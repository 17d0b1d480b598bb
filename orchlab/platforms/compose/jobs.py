"""The agent as a one-off container: ``docker compose run --rm``."""

from __future__ import annotations

import time

from orchlab import labels, shell, sweep
from orchlab.paths import STACKS
from orchlab.platforms.capabilities import Errand
from orchlab.platforms.compose.running import Running

FILE = STACKS / "compose.agent.yaml"


class Jobs(Running):
    """A project of its own for each question, so that several at once are no trouble."""

    def run_agent(self, errand: Errand) -> int:
        """Run the agent; each word is printed as it comes, since its output is this command's."""
        argv = ["docker", "compose", "-p", errand.name, "-f", str(FILE)]
        given = variables(errand)
        try:
            return shell.attach([*argv, "run", "--rm", "-T", "agent"], env=given)
        except BaseException:
            time.sleep(sweep.INTERRUPTED_SECONDS)  # until the container is in a list, if it comes
            raise
        finally:
            # An interrupted `run` leaves its container, which `down` alone does not see.
            shell.run([*argv, "down", "--remove-orphans"], env=given, echo=False)


def variables(errand: Errand) -> dict[str, str]:
    """Values for the file's variables."""
    return {
        "ORCHLAB_LAB": labels.LAB,
        "APP_IMAGE": errand.image.reference,
        "OPENAI_API_KEY_FILE": str(errand.key),
        **errand.settings,
    }
