"""What the API server says of the app's pods, as it says it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from kubernetes import client
from kubernetes.watch import Watch as Stream

from orchlab.platforms.capabilities import Happening, Tell
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s.api import NAMESPACE
from orchlab.platforms.k8s.running import Running
from orchlab.platforms.watching import polling

WATCH_S = 2
"""For so long one request watches; the next one begins with all pods as they are."""
NS_PER_S = 1_000_000_000


class Watch(Running):
    """Changes of pods. Kubernetes' own times are whole seconds."""

    @contextmanager
    def watch(self, tell: Tell) -> Iterator[None]:
        """Tell of changes of the app's pods while the block runs."""
        core = client.CoreV1Api(self.control.api.client)
        pods, begun = self.control.api.pods(NAMESPACE), time.time_ns() - NS_PER_S
        known = {_key(each) for pod in pods for each in happenings(pod)}

        def follow() -> None:
            stream: Any = Stream()  # type: ignore[no-untyped-call,unused-ignore]
            for event in stream.stream(
                core.list_namespaced_pod,
                NAMESPACE,
                timeout_seconds=WATCH_S,
                _request_timeout=k8s_api.TIMEOUT_S,
            ):
                for each in happenings(event["object"]):
                    if _key(each) not in known and each.at_ns >= begun:
                        known.add(_key(each))
                        tell(each)

        with polling(k8s_api.tolerant(follow), "k8s", tell):
            yield


def happenings(pod: Any) -> list[Happening]:  # noqa: ANN401 - the client has no types
    """All that a pod's status tells of its past, each with the time that it gives."""
    name, node = pod.metadata.name, pod.spec.node_name or ""
    found: list[tuple[datetime | None, str]] = [(pod.metadata.creation_timestamp, "pod created")]
    end, grace_s = pod.metadata.deletion_timestamp, pod.metadata.deletion_grace_period_seconds
    if end is not None and grace_s:  # at the very end it is told again, without any grace
        found.append((end - timedelta(seconds=grace_s), "pod told to end"))
    for each in pod.status.conditions or ():
        if each.type == "Ready":
            ready = "ready" if each.status == "True" else "not ready"
            found.append((each.last_transition_time, f"pod {ready}"))
    for status in pod.status.container_statuses or ():
        for state in filter(None, (status.last_state, status.state)):
            if state.running:
                found.append((state.running.started_at, "container started"))
            if state.terminated:
                ended = state.terminated
                what = f"container ended ({ended.reason}, exit status {ended.exit_code})"
                found.append((ended.finished_at, what))
    return [
        Happening(round(at.timestamp()) * NS_PER_S, f"{name}: {what}", "k8s", node)
        for at, what in found
        if at is not None
    ]


def _key(said: Happening) -> tuple[int, str]:
    """What tells one from others: a pod gets its node after it was made."""
    return said.at_ns, said.subject
