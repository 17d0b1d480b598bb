"""Kubernetes' own autoscaler on the app: put there, followed, taken away."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchlab import console
from orchlab.errors import OrchlabError, UsageError
from orchlab.platforms.autoscaling import Policy
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import autoscale, kustomize
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.control import Control
from orchlab.platforms.k8s.rollout import Rollouts
from orchlab.wait import SYSTEM, Clock

PAUSE_S = 1.0


def find(control: Control) -> Any:  # noqa: ANN401 - the client's objects
    """The app's autoscaler as the API reports it now, or None."""
    return control.api.autoscaler(control.namespace, autoscale.NAME)


def remove(control: Control) -> None:
    """Take it away; the replicas stay. Idempotent."""
    control.run("delete", "hpa", "-n", control.namespace, autoscale.NAME, "--ignore-not-found")


def require_none(control: Control) -> None:
    """Raise ``UsageError`` while an autoscaler sets the number of replicas: it would win."""
    if find(control) is not None:
        raise UsageError(
            "an autoscaler sets the number of replicas",
            "end `invoke k8s-autoscale`, or where that was killed: "
            f"kubectl -n {control.namespace} delete hpa {autoscale.NAME}",
        )


@dataclass
class Autoscaler:
    """Lets the cluster hold the number of replicas to what a policy makes of their CPU usage."""

    control: Control
    policy: Policy
    clock: Clock = SYSTEM
    _sentence: str = ""
    _reported: set[tuple[str, int]] = field(default_factory=set)

    def run(self) -> None:
        """Follow what it decides until Ctrl-C or SIGTERM; it ends with that, the number stays.

        Raises ``OrchlabError`` when the app is not deployed, or somebody removes the
        autoscaler meanwhile.
        """
        share = self._share()
        try:
            self.apply()
            while True:
                self._show(share)
                self.clock.sleep(PAUSE_S)
        except KeyboardInterrupt:
            console.note(f"stopped; {Rollouts(self.control).require().spec.replicas} replicas stay")
        finally:
            remove(self.control)

    def apply(self) -> None:
        """Put it there, or change what is there."""
        directory = k8s_api.kubeconfig().parent / "autoscale"
        content = autoscale.kustomization(directory, self.policy, self._share())
        kustomize.write(directory, content)
        self.control.run("apply", "-k", directory)

    def _share(self) -> float:
        return autoscale.cores(Rollouts(self.control).require())

    def _show(self, share: float) -> None:
        """Print what is new: a measurement, a decision, an event."""
        read = k8s_api.tolerant(lambda: (find(self.control), self.control.api.events(NAMESPACE)))
        if (answer := read()) is None:
            return  # the API may be back at the next look
        found, events = answer
        if found is None:
            raise OrchlabError("somebody removed the autoscaler", "run the command again")
        for identity, text in autoscale.news(events, found).items():
            if identity not in self._reported:
                self._reported.add(identity)
                _line(text)
        sentence = autoscale.sentence(found, self.policy, share)
        if found.status.conditions and sentence != self._sentence:
            self._sentence = sentence
            _line(sentence)


def _line(text: str) -> None:
    console.line(f"{datetime.now():%H:%M:%S}  {text}")  # noqa: DTZ005 - a person's own time
