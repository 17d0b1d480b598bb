"""The app's Deployment: scaled, updated, rolled back, and followed while that goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from orchlab import console, labels
from orchlab.errors import OrchlabError, UnknownName, UsageError, WaitTimeout
from orchlab.platforms.base import DEFAULTS, Rollout
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import progress as k8s_progress
from orchlab.platforms.k8s.control import Control
from orchlab.platforms.k8s.progress import Progress, Revision
from orchlab.platforms.k8s.release import VARIANT_KEY
from orchlab.wait import wait_until

WEB = "app=web"
DEPLOYMENT = "deployment/web"
STORE = "redis"
STATEFUL_SET = f"statefulset/{STORE}"
PAUSE_S = 0.1


class Rollouts:
    """Changes of the Deployment. Each returns, or raises, when the change has ended."""

    def __init__(self, control: Control) -> None:
        self.control = control

    def find(self) -> Any:  # noqa: ANN401 - the client's objects
        """The Deployment as the API reports it now, or None.

        Raises ``UsageError`` for one in somebody's cluster that is not this lab's.
        """
        namespace = self.control.namespace
        found = self.control.api.deployment(namespace, "web")
        if found and self.control.elsewhere and not _is_labs(found):
            reason = f"the deployment web in namespace {namespace} is not this lab's"
            raise UsageError(reason, "name another with --namespace; ORCHLAB_LAB names another lab")
        return found

    def require(self) -> Any:  # noqa: ANN401 - the client's objects
        """The same; raises ``OrchlabError`` if the app is not deployed."""
        found = self.find()
        if found is None:
            raise _not_deployed()
        return found

    def variant(self) -> str:
        """The variant that is deployed, as its label says; empty if none is."""
        found = self.find()
        return (found.metadata.labels or {}).get(VARIANT_KEY, DEFAULTS) if found else ""

    def history(self) -> list[Revision]:
        """The revisions that Kubernetes keeps, the current one last."""
        sets = self.control.api.replica_sets(self.control.namespace, WEB)
        return k8s_progress.revisions(sets, VARIANT_KEY)

    def scale(self, replicas: int) -> None:
        """Run that many; raises ``OrchlabError`` when they do not become available."""
        self.require()
        since = now()
        self._kubectl("scale", DEPLOYMENT, f"--replicas={replicas}")
        if not self.follow("scale").done:
            raise OrchlabError(f"{replicas} replicas did not start: {self.why(since)}")

    def update(self, reference: str) -> Rollout:
        """Move to an image; one that misses the Deployment's deadline is undone."""
        number = self._revision()
        since = now()
        self._kubectl("set", "image", DEPLOYMENT, f"web={reference}")
        before = choose(self.history(), number)
        if self.follow("update").done:
            self._mark("")
            return Rollout("updated", reference)
        reason = self.failed(since)
        console.warn(f"the rollout missed its deadline, going back: {reason}")
        self._undo(before)
        return Rollout("rolled-back", before.image, reason)

    def rollback(self, number: int = 0) -> Rollout:
        """Go back to a revision; without a number to the newest earlier one that started.

        Raises ``UnknownName`` for a number that is not kept, ``OrchlabError`` when
        there is nothing to go back to, or the revision does not start either.
        """
        self.require()
        target = choose(self.history(), number)
        self._undo(target)
        return Rollout("updated", target.image)

    def follow(self, what: str) -> Progress:
        """Show the Deployment's conditions as they change; returns when they are final.

        The controller takes an old pod that becomes ready again for progress, so on a
        machine short of CPU its deadline may never come: this has one of its own.
        """
        spec = self.require().spec
        deadline = spec.progress_deadline_seconds
        title = f"{what}: {DEPLOYMENT}, deadline {deadline} s without progress"
        patience = deadline * (spec.replicas + 1)
        return followed(title, self.require, k8s_progress.progress, patience)

    def await_deployed(self, since: datetime, seconds: float) -> None:
        """Return when Redis and the app run as the release of ``since`` says.

        Raises ``OrchlabError`` with the pods' reasons when one misses its deadline, or does not
        get there within so many seconds.
        """
        store = partial(self.control.api.stateful_set, self.control.namespace, STORE)
        if not followed(f"roll out {STATEFUL_SET}", store, k8s_progress.stateful, seconds).done:
            raise _stuck(STATEFUL_SET, self.why(since))
        title = f"roll out {DEPLOYMENT}"
        if not followed(title, self.require, k8s_progress.progress, seconds).done:
            raise _stuck(DEPLOYMENT, self.failed(since))

    def why(self, since: datetime) -> str:
        """What pods and events say about a rollout that began at ``since``."""
        api, namespace = self.control.api, self.control.namespace
        return k8s_progress.why(api.pods(namespace), api.events(namespace), since)

    def failed(self, since: datetime) -> str:
        """Why, also noted on the current revision: nobody is to go back to it unasked."""
        reason = self.why(since)
        self._mark(reason)
        return reason

    def _revision(self) -> int:
        """The number of the one that is asked for now; raises as ``require`` does.

        Read as it is: the client's models are loaded while the rollout goes on.
        """
        if self.control.elsewhere:
            self.require()
        found = self.control.api.annotations(self.control.namespace, "web")
        if found is None:
            raise _not_deployed()
        return int(found[k8s_progress.REVISION])

    def _undo(self, target: Revision) -> None:
        since = now()
        self._kubectl("rollout", "undo", DEPLOYMENT, f"--to-revision={target.number}")
        if not self.follow(f"go back to revision {target.number}").done:
            raise OrchlabError(
                f"revision {target.number} ({target.image}) did not start: {self.failed(since)}",
                "`invoke k8s-status` shows the pods; `invoke k8s-deploy` deploys anew",
            )
        self._mark("")

    def _mark(self, failed: str) -> None:
        current = self.history()[-1]
        if failed != current.failed:
            note = f"{k8s_progress.FAILED}={failed}" if failed else f"{k8s_progress.FAILED}-"
            replica_set = f"replicaset/{current.replica_set}"
            self._kubectl("annotate", replica_set, note, "--overwrite", echo=False)

    def _kubectl(self, *argv: str, echo: bool = True) -> None:
        self.control.run("-n", self.control.namespace, *argv, echo=echo)


def followed(
    title: str, read: Callable[[], Any], judge: Callable[[Any], Progress], seconds: float
) -> Progress:
    """Show how a rollout goes until it is final; one that takes longer than that is stuck."""
    last = Progress(done=False, stuck=False, text="")
    ask = k8s_api.tolerant(read)
    with console.step(title) as show:

        def final() -> bool:
            nonlocal last
            if (found := ask()) is not None:
                last = judge(found)
                show(last.text)
            return last.done or last.stuck

        try:
            wait_until(title, final, timeout=seconds, pause=PAUSE_S)
        except WaitTimeout:
            return replace(last, stuck=True)
    return last


def _not_deployed() -> OrchlabError:
    return OrchlabError("the app is not deployed", "`invoke k8s-deploy` does it")


def _stuck(workload: str, reason: str) -> OrchlabError:
    hint = "`invoke k8s-status` shows the pods and what the cluster says about them"
    return OrchlabError(f"{workload} did not roll out: {reason}", hint)


def _is_labs(found: Any) -> bool:  # noqa: ANN401 - the client's objects
    return (found.metadata.labels or {}).get(labels.KEY) == labels.LAB


def choose(history: list[Revision], number: int) -> Revision:
    """The revision to go back to: that number, else the newest good one before the current.

    Raises ``UnknownName`` and ``OrchlabError`` as ``Rollouts.rollback`` says.
    """
    current, earlier = history[-1], history[:-1]
    if number:
        found = [each for each in history if each.number == number]
        if not found:
            raise UnknownName("revision", str(number), (str(each.number) for each in history))
    else:
        found = [each for each in earlier if not each.failed and each.variant == current.variant]
        if not found:
            raise OrchlabError(
                "there is nothing to go back to", "`invoke k8s-status` lists the revisions"
            )
    target = found[-1]
    if target.variant != current.variant:
        raise OrchlabError(
            f"revision {target.number} is of the variant {target.variant}, {current.variant} runs",
            f"`invoke k8s-deploy --variant {target.variant}` also brings what it needs",
        )
    return target


def now() -> datetime:
    """To the second, as Kubernetes' own times are."""
    return datetime.now(UTC).replace(microsecond=0)
