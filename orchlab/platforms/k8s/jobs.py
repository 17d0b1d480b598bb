"""The agent as a Kubernetes Job, in a namespace of its own that ends with it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from orchlab import console, paths
from orchlab.errors import OrchlabError
from orchlab.platforms.capabilities import Errand
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import kustomize
from orchlab.platforms.k8s import objects as k8s_objects
from orchlab.platforms.k8s import progress as k8s_progress
from orchlab.platforms.k8s import release as k8s_release
from orchlab.platforms.k8s.rollout import now
from orchlab.platforms.k8s.running import Running
from orchlab.wait import wait_until

DIRECTORY = paths.K8S / "agent"
NAME = "agent"
KEY_NAME = "openai_api_key"
OVER = ("Complete", "Failed")
"""Conditions of a Job that no other one follows."""
START_S = 120.0
END_S = 1860.0
"""A little longer than the Job's own deadline."""


class Jobs(Running):
    """A namespace of its own for each question."""

    def run_agent(self, errand: Errand) -> int:
        """Run the agent on whichever node takes it; its log holds whole lines."""
        directory = k8s_api.kubeconfig().parent / errand.name
        try:
            write(directory, errand, self.registry.reference(errand.image))
            self.control.run("apply", "-k", directory)
            return self._followed(errand.name)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            with console.step("k8s: remove the job and its key"):
                self.control.run("delete", "namespace", errand.name, "--ignore-not-found")

    def _followed(self, namespace: str) -> int:
        """Show the log of each pod, since a Job may need several; the last one's exit status."""
        api, since = self.control.api, now()

        def why() -> str:
            return k8s_progress.why(api.pods(namespace), api.events(namespace), since)

        def started() -> bool:
            return any(map(k8s_objects.container_id, api.pods(namespace)))

        shown: set[str] = set()
        wait_until("the agent's pod starts", k8s_api.tolerant(started), timeout=START_S, state=why)
        wait_until(
            "the agent's Job ends",
            k8s_api.tolerant(lambda: self._over(namespace, shown)),
            timeout=END_S,
            state=why,
        )
        return last_status(api.pods(namespace))

    def _over(self, namespace: str, shown: set[str]) -> bool:
        """Whether the Job is over; meanwhile shows what its pods say, of each one once."""
        job = self.control.api.job(namespace, NAME)  # before its pods: so none of them is missed
        for pod in self.control.api.pods(namespace):
            name = pod.metadata.name
            if name not in shown and k8s_objects.container_id(pod):
                shown.add(name)
                self.control.run("logs", "-n", namespace, "--follow", name, on_line=console.line)
        return any(k8s_objects.condition(job, kind) for kind in OVER)


def write(directory: Path, errand: Errand, reference: str) -> None:
    """Write the errand into ``directory``; with the key, so nobody else may enter it.

    Each setting is a file, since kustomize takes quotes off a literal.
    """
    directory.mkdir(mode=0o700, parents=True)
    shutil.copyfile(errand.key, directory / KEY_NAME)
    for name, value in errand.settings.items():
        (directory / name).write_text(value)
    kustomize.write(directory, kustomization(directory, errand, reference))


def kustomization(directory: Path, errand: Errand, reference: str) -> dict[str, Any]:
    """``k8s/agent`` with this image, question and key, in a namespace of the run's name."""
    known = k8s_release.base_names()[k8s_release.APP]
    return kustomize.on(
        DIRECTORY,
        directory,
        namespace=errand.name,
        images=[kustomize.image(known, reference)],
        configMapGenerator=[{"name": "question", "files": sorted(errand.settings)}],
        secretGenerator=[{"name": "openai-key", "files": [KEY_NAME]}],
    )


def last_status(pods: list[Any]) -> int:
    """Exit status of the pod that was made last; raises ``OrchlabError`` if none has ended."""
    made = sorted(pods, key=lambda pod: pod.metadata.creation_timestamp)
    found = [k8s_objects.exit_status(pod) for pod in made]
    if not found or found[-1] is None:
        raise OrchlabError("the agent was taken away before it ended", "ask again")
    return found[-1]
