"""The autoscaler that Swarm has not: reads the replicas' CPU, sets their number.

Each node's engine is asked for the CPU time that the containers of the tasks have
used; the difference of two readings is their usage. It runs in the foreground, and
what it has set stays when it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests
from docker.errors import DockerException

from orchlab import console, shell
from orchlab.errors import OrchlabError
from orchlab.parallel import in_parallel
from orchlab.platforms.autoscaling import Policy
from orchlab.platforms.swarm.autoscale import Autoscale, Decision
from orchlab.platforms.swarm.nodes import Nodes
from orchlab.platforms.swarm.stack import Stack
from orchlab.platforms.swarm.tasks import Task
from orchlab.wait import SYSTEM, Clock

SERVICE = "web"
STATS_SECONDS = 5.0
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """How much CPU time (s) a container had used at a moment (s)."""

    at: float
    used: float


@dataclass
class Autoscaler:
    """Holds the number of replicas of ``web`` to what a policy makes of their CPU usage."""

    stack: Callable[[], Stack]
    nodes: Nodes
    policy: Policy
    period: float = 5.0
    clock: Clock = SYSTEM
    _readings: dict[str, Reading] = field(default_factory=dict)
    _decisions: Autoscale = field(init=False)

    def __post_init__(self) -> None:
        self._decisions = Autoscale(self.policy)

    def run(self) -> None:
        """Decide every ``period`` seconds until Ctrl-C or SIGTERM; the last number stays.

        Raises ``OrchlabError`` when the app is not deployed, or is removed meanwhile.
        """
        current = replicas_wanted(self.stack().service(SERVICE))
        try:
            self._usages(self.stack())
            while True:
                self.clock.sleep(self.period)
                current = self.step()
        except KeyboardInterrupt:
            console.note(f"stopped; {current} replicas stay")

    def step(self) -> int:
        """Look, decide, act; returns how many replicas are wanted now.

        The first step has nothing to compare its readings with, so it changes nothing.
        """
        stack = self.stack()
        current = replicas_wanted(stack.service(SERVICE))
        decision = self._decisions.decide(self.clock.now(), current, self._usages(stack))
        console.line(sentence(decision, self.policy))
        if decision.replicas != current:
            scale(stack, decision.replicas)
        return decision.replicas

    def _usages(self, stack: Stack) -> list[float | None]:
        """CPU usage of every replica since the reading before, in percent of what it may use."""
        share = cores(stack.service(SERVICE))
        tasks = stack.tasks(SERVICE)
        before, self._readings = self._readings, {}
        usages: list[float | None] = []
        for task, reading in zip(tasks, in_parallel(self._read, tasks), strict=True):
            if reading is not None:
                self._readings[task.id] = reading
            usages.append(usage(before.get(task.id), reading, share))
        return usages

    def _read(self, task: Task) -> Reading | None:
        """None for a container that has not begun or whose node does not answer."""
        if not task.container:
            return None
        try:
            node = self.nodes.node(task.node)
            with closing(node.client(timeout=STATS_SECONDS)) as client:
                stats = client.api.stats(task.container, stream=False, one_shot=True)
        except (DockerException, requests.RequestException, OrchlabError):
            return None
        return reading_of(stats)


def reading_of(stats: dict[str, Any]) -> Reading:
    """The part of the engine's statistics that counts."""
    used = stats["cpu_stats"]["cpu_usage"]["total_usage"]
    return Reading(datetime.fromisoformat(stats["read"]).timestamp(), used / NS_PER_S)


def usage(before: Reading | None, after: Reading | None, share: float) -> float | None:
    """Percent of ``share`` cores between two readings; None unless there are two."""
    if before is None or after is None or after.at <= before.at:
        return None
    return 100 * (after.used - before.used) / (after.at - before.at) / share


def cores(service: dict[str, Any]) -> float:
    """What a replica may use: its CPU limit, or one core.

    Kubernetes relates usage to what is requested, which here is next to nothing, so
    that many replicas fit on a small machine.
    """
    limits = (service["Spec"]["TaskTemplate"].get("Resources") or {}).get("Limits") or {}
    return (limits.get("NanoCPUs") or NS_PER_S) / NS_PER_S


def replicas_wanted(service: dict[str, Any]) -> int:
    """How many replicas the service asks for."""
    return int(service["Spec"]["Mode"]["Replicated"]["Replicas"])


def scale(stack: Stack, replicas: int) -> None:
    """Ask for that many and do not wait: the load goes on meanwhile."""
    argv = ["docker", "service", "scale", "--detach", f"{stack.name}_{SERVICE}={replicas}"]
    shell.run(argv, env=stack.environment)


def sentence(decision: Decision, policy: Policy) -> str:
    """One line for a person: what was seen, what follows."""
    seen = "not known yet" if decision.usage is None else f"{decision.usage:.0f} %"
    if decision.replicas != decision.current:
        act = f"now {decision.replicas}"
    elif decision.recommended != decision.current:
        act = f"{decision.recommended} would do; waiting for the window"
    else:
        act = "no change"
    aim = f"CPU {seen}, target {policy.target:g} %"
    return f"{datetime.now():%H:%M:%S}  {decision.current} replicas, {aim}: {act}"  # noqa: DTZ005
