"""The app on a cluster, whoever owns the nodes: all that works through the API server."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from orchlab import console, labels
from orchlab.images.given_registry import ImageSource
from orchlab.images.store import Image, ImageStore
from orchlab.names import pick
from orchlab.platforms import serving
from orchlab.platforms.base import Facts, Release
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import facts as k8s_facts
from orchlab.platforms.k8s import logs as k8s_logs
from orchlab.platforms.k8s import policy as k8s_policy
from orchlab.platforms.k8s import release as k8s_release
from orchlab.platforms.k8s.access import Access
from orchlab.platforms.k8s.operations import Operations
from orchlab.platforms.k8s.release import VARIANT_KEY
from orchlab.platforms.k8s.rollout import now

ROLLOUT_S = 180.0
OPTIONAL = "networkpolicies,poddisruptionbudgets,serviceaccounts"
"""Kinds of which one variant has objects and another one has not."""


class KubernetesApp(Operations):
    """The app in the namespace of ``control``, pulled from ``registry``."""

    variants = tuple(k8s_release.VARIANTS)

    optional = OPTIONAL
    guest = ""
    """The namespace, where it is one of somebody's cluster."""
    entry: str
    """How a request gets to a node's port, for the facts."""
    timers: Mapping[str, str] = k8s_facts.FIXED
    """What no API reports, for the facts."""

    def __init__(
        self, images: ImageStore, registry: ImageSource, access: Access | None = None
    ) -> None:
        super().__init__(images, registry, access)
        self.published: dict[str, str] = {}

    @property
    @abstractmethod
    def directory(self) -> Path:
        """Where the release is written from which ``kubectl`` applies it."""

    @abstractmethod
    def publish(self, image: Image) -> None:
        """Make an image available to every node; note its reference in ``published``."""

    def deploy(self, release: Release) -> None:
        """Apply the release; returns when every node's port answers and all replicas have.

        Raises ``UsageError`` for an unknown variant, ``OrchlabError`` with the pods'
        reasons when a rollout does not end, ``WaitTimeout`` when a port stays silent.
        """
        pick("variant", release.variant, self.variants)
        references = {
            k8s_release.APP: self._published(release.image),
            k8s_release.REDIS: self._published(self.images.ensure("redis")),
        }
        replicas, variant = release.replicas, release.variant
        app = self.images.subject
        k8s_release.write(self.directory, references, replicas, variant, self.guest, app=app)
        since = now()
        self.apply()
        self.rollouts.await_deployed(since, ROLLOUT_S)
        self._remove_leftovers(variant)
        self.await_serving(replicas)

    def apply(self) -> None:
        """Bring the cluster to what ``directory`` says; raises ``CommandFailed``."""
        self.control.run("apply", "-k", self.directory)

    def recreate_store(self) -> None:
        """Delete the Redis pod; returns when its successor answers the app."""
        with console.step("a new Redis pod on the same claim"):
            self.store.recreate()
            serving.wait_for_store(self.endpoints, len(self.replicas()))

    def facts(self) -> Facts:
        """Versions, data path and every timer and knob that the cluster reports."""
        written = k8s_release.declared(self.rollouts.variant())
        api, namespace = self.control.api, self.control.namespace
        facts = k8s_facts.gather(api, namespace, written, self.entry)
        fsync = self.store.fsync()
        return replace(
            facts,
            versions=facts.versions | {"redis": self.store.version()},
            knobs=facts.knobs
            | {
                **self.timers,
                "redis appendfsync": f"{fsync} (default)" if fsync == "everysec" else fsync,
                "network policies": k8s_policy.in_force(self.control, self.replicas()),
            },
        )

    def collect_logs(self, into: Path) -> None:
        """Logs of every pod, now and before a restart, objects and events."""
        into.mkdir(parents=True, exist_ok=True)
        api, namespace = self.control.api, self.control.namespace
        pods = k8s_api.tolerant(lambda: api.pods(namespace))() or []
        k8s_logs.collect(into, pods, partial(self.control.run, echo=False), namespace)

    def remove_labelled(self, kinds: str, condition: str = "", flags: Iterable[str] = ()) -> None:
        """Remove the lab's objects of these kinds that also fulfil ``condition``, a selector."""
        selector = ",".join(filter(None, (f"{labels.KEY}={labels.LAB}", condition)))
        self.control.run("delete", kinds, "-n", self.control.namespace, "-l", selector, *flags)

    def _published(self, image: Image) -> str:
        if image.reference not in self.published:
            self.publish(image)
        return self.published[image.reference]

    def _remove_leftovers(self, variant: str) -> None:
        """Remove what another variant brought and this one has not: ``apply`` leaves it."""
        policies = self.control.api.policies(self.control.namespace)
        if any((each.metadata.labels or {}).get(VARIANT_KEY) != variant for each in policies):
            self.remove_labelled(self.optional, f"{VARIANT_KEY}!={variant}")
