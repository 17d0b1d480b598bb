"""The autoscaler's decisions, against the arithmetic that Kubernetes documents."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from unittest.mock import Mock

import pytest
from docker.errors import DockerException
from hypothesis import given
from hypothesis import strategies as st

from orchlab import shell
from orchlab.errors import OrchlabError, UsageError
from orchlab.platforms.autoscaling import Policy
from orchlab.platforms.swarm.autoscale import (
    Autoscale,
    Decision,
    close,
    recommend,
    stabilised,
    within,
)
from orchlab.platforms.swarm.autoscaler import (
    Autoscaler,
    Reading,
    cores,
    reading_of,
    sentence,
    usage,
)
from orchlab.platforms.swarm.tasks import Task

PERCENT = st.floats(0, 400)
TARGET = st.floats(5, 100)
KNOWN = st.lists(PERCENT, min_size=1, max_size=8)
USAGES = st.lists(st.none() | PERCENT, min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("usages", "target", "replicas"),
    [
        ([100.0, 100.0], 50, 4),
        ([60.0, 60.0, 60.0], 50, 4),
        ([54.0, 54.0], 50, 2),
        ([10.0] * 5, 50, 1),
        ([0.0] * 5, 50, 0),
        ([26.0, 26.0, 26.0, 26.0], 50, 3),
        ([None, None], 50, 2),
        # 200 of a target of 50 by one of two: 4 of the known alone, 4 with the other as idle.
        ([200.0, None], 50, 4),
        # Idle, but half of them unknown: those are taken to be at the target.
        ([0.0, 0.0, None, None], 50, 2),
        # Above the target only because the unknown were left out: nothing is done.
        ([70.0, None], 50, 2),
    ],
)
def test_the_load_decides_how_many(
    usages: list[float | None], target: float, replicas: int
) -> None:
    """Replicas times usage over target, rounded up; what is not measured makes it milder."""
    assert recommend(len(usages), usages, target) == replicas


@given(KNOWN, TARGET)
def test_what_is_recommended_brings_usage_to_the_target(usages: list[float], target: float) -> None:
    """The same load on that many replicas is at the target or below; on one less it is above."""
    wanted = recommend(len(usages), usages, target)
    if close(sum(usages) / len(usages) / target):
        assert wanted == len(usages)
        return
    assert sum(usages) <= wanted * target * (1 + 1e-6) + 1e-6
    assert sum(usages) > (wanted - 1) * target * (1 - 1e-6) - 1e-6


@given(USAGES, TARGET, st.data())
def test_more_load_never_means_fewer_replicas(
    usages: list[float | None], target: float, data: st.DataObject
) -> None:
    """For one replica that works harder while the others stay as they are."""
    which = data.draw(st.integers(0, len(usages) - 1))
    now = usages[which]
    if now is None:
        return
    harder = [*usages[:which], now + data.draw(PERCENT), *usages[which + 1 :]]
    before, after = (recommend(len(usages), each, target) for each in (usages, harder))
    assert after >= before


@given(KNOWN, TARGET, st.integers(1, 10))
def test_a_replica_that_is_not_measured_makes_no_change_larger(
    usages: list[float], target: float, unknown: int
) -> None:
    """New replicas neither drive the number up nor down before they were seen working."""
    count = len(usages) + unknown
    known = recommend(len(usages), usages, target) - len(usages)
    all_ = recommend(count, [*usages, *[None] * unknown], target) - count
    assert abs(all_) <= abs(known)
    assert all_ * known >= 0


SECONDS = st.integers(0, 60)
HISTORY = st.lists(st.tuples(SECONDS, st.integers(1, 9)), min_size=1, max_size=10).map(sorted)


@given(HISTORY, st.integers(1, 9), SECONDS, SECONDS)
def test_only_what_a_whole_window_agrees_on_is_done(
    history: list[tuple[float, int]], current: int, up: int, down: int
) -> None:
    """Up: to no more than the least within the up window. Down: to no less than the most."""
    policy = Policy(1, 9, 50, up, down)
    now = history[-1][0]
    result = stabilised(history, now, current, policy)
    newest = history[-1][1]
    recent_up = [n for at, n in history if now - at < up] + [newest]
    recent_down = [n for at, n in history if now - at < down] + [newest]
    if result > current:
        assert result == min(recent_up)
    elif result < current:
        assert result == max(recent_down)
    else:
        assert min(recent_up) <= current or max(recent_down) <= current


@given(
    st.integers(1, 10),
    st.integers(0, 20),
    TARGET,
    st.lists(st.lists(PERCENT, min_size=1, max_size=12), min_size=1, max_size=8),
)
def test_the_bounds_hold_whatever_happens(
    least: int, more: int, target: float, loads: list[list[float]]
) -> None:
    """From any number that somebody set by hand, at any moment."""
    policy = Policy(least, least + more, target, 10, 20)
    decisions = Autoscale(policy)
    for second, load in enumerate(loads):
        decision = decisions.decide(5.0 * second, len(load), load)
        assert least <= decision.replicas <= least + more
        assert within(decision.replicas, policy) == decision.replicas


def test_a_peak_raises_the_number_and_only_its_end_lowers_it() -> None:
    """Up at once; down after the window, although the load ended earlier."""
    decisions = Autoscale(Policy(1, 10, 50, up_seconds=0, down_seconds=30))
    replicas, seen = 2, []
    for second in range(0, 80, 10):
        load = 100.0 if second in (10, 20) else 5.0
        replicas = decisions.decide(second, replicas, [load] * replicas).replicas
        seen.append((second, replicas))
    numbers = [number for _, number in seen]
    assert seen[:3] == [(0, 2), (10, 4), (20, 8)]
    assert seen[-1][1] == 1
    assert dict(seen)[40] == 8
    assert dict(seen)[50] < 8
    assert all(after <= before for before, after in pairwise(numbers[2:]))


def test_an_up_window_waits_for_a_load_that_lasts() -> None:
    """A load of one reading is no reason to add replicas."""
    decisions = Autoscale(Policy(1, 10, 50, up_seconds=15, down_seconds=0))
    loads = [10.0, 200.0, 10.0, 200.0, 200.0, 200.0]
    found = [decisions.decide(5.0 * n, 1, [load]) for n, load in enumerate(loads)]
    assert [each.recommended for each in found] == [1, 4, 1, 4, 4, 4]
    assert [each.replicas for each in found] == [1, 1, 1, 1, 1, 4]


@pytest.mark.parametrize(
    "wrong", [(0, 3, 50), (4, 3, 50), (1, 3, 0), (1, 3, 50, -1, 0), (1, 3, 50, 0, -1)]
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: tuple[float, ...]) -> None:
    """Before anything is scaled."""
    with pytest.raises(UsageError):
        Policy(*wrong)  # type: ignore[arg-type]


def service(replicas: int = 2, **resources: dict[str, int]) -> dict[str, Any]:
    template = {"Resources": resources}
    return {"Spec": {"TaskTemplate": template, "Mode": {"Replicated": {"Replicas": replicas}}}}


def test_a_hundred_percent_is_what_a_replica_may_use() -> None:
    """Its limit, else one core; what it reserves is less than it needs."""
    half, quarter = {"NanoCPUs": 500_000_000}, {"NanoCPUs": 250_000_000}
    assert cores(service(Reservations=quarter, Limits=half)) == 0.5
    assert cores(service(Reservations=quarter)) == 1.0
    assert cores(service(Limits={"MemoryBytes": 1})) == 1.0
    assert cores(service()) == 1.0


def test_usage_is_the_difference_of_two_readings() -> None:
    """Half a second of CPU in a second is 50 % of a core and all of half a core."""
    before, after = Reading(10.0, 4.0), Reading(11.0, 4.5)
    assert usage(before, after, 1.0) == pytest.approx(50)
    assert usage(before, after, 0.5) == pytest.approx(100)
    assert usage(None, after, 1.0) is None
    assert usage(before, None, 1.0) is None
    assert usage(after, after, 1.0) is None


def test_a_reading_is_taken_from_the_engine_as_it_is() -> None:
    """Nanoseconds of CPU; a time stamp with more digits than Python keeps."""
    stats = {
        "read": "2026-01-02T03:04:05.123456789Z",
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
    }
    reading = reading_of(stats)
    assert reading.used == 2.5
    assert reading.at % 60 == pytest.approx(5.123456, abs=1e-5)


class Clock:
    """Time passes only by sleeping; the last nap is interrupted as by Ctrl-C."""

    def __init__(self, naps: int) -> None:
        self.seconds, self.naps = 0.0, naps

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        if not self.naps:
            raise KeyboardInterrupt
        self.naps -= 1
        self.seconds += seconds


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that were run."""
    ran: list[str] = []
    monkeypatch.setattr(shell, "run", lambda argv, **_: ran.append(" ".join(argv)))
    return ran


def stack(replicas: int = 2) -> Mock:
    tasks = [
        Task(f"t{n}", f"lab_web.{n}", "node1", "running", f"c{n}", "") for n in range(replicas)
    ]
    found = Mock(environment={"DOCKER_HOST": "unix:///there"})
    found.name = "lab"
    found.service.return_value = service(replicas)
    found.tasks.return_value = tasks
    return found


def nodes(clock: Clock, share: float) -> Mock:
    """Nodes whose containers use that share of a core all the time."""

    def stats(container: str, **_: object) -> dict[str, Any]:
        second = int(clock.now())
        return {
            "read": f"2026-01-02T03:{second // 60:02}:{second % 60:02}Z",
            "cpu_stats": {"cpu_usage": {"total_usage": int(share * second * 1e9)}},
        }

    found = Mock()
    found.node.return_value.client.return_value.api.stats = stats
    return found


def test_a_busy_service_is_scaled_up_without_waiting(commands: list[str]) -> None:
    """The command returns at once, since the load goes on while replicas start."""
    clock = Clock(1)
    scaler = Autoscaler(stack, nodes(clock, 0.9), Policy(1, 6, 50), 5, clock)
    scaler.run()
    assert commands == ["docker service scale --detach lab_web=4"]


def test_an_interruption_leaves_the_replicas_as_they_are(
    commands: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is set on the way out, and how many there are is said."""
    clock = Clock(2)
    scaler = Autoscaler(stack, nodes(clock, 0.5), Policy(1, 6, 50), 5, clock)
    scaler.run()
    assert commands == []
    assert "2 replicas stay" in capsys.readouterr().err


@pytest.mark.parametrize("error", [DockerException("gone"), OrchlabError("unreachable")])
def test_a_node_that_does_not_answer_changes_nothing(commands: list[str], error: Exception) -> None:
    """Its replicas are unknown, not idle."""
    clock = Clock(2)
    found = Mock()
    found.node.side_effect = error
    Autoscaler(stack, found, Policy(1, 6, 50), 5, clock).run()
    assert commands == []


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (Decision(2, None, 2, 2), "2 replicas, CPU not known yet, target 50 %: no change"),
        (Decision(2, 99.6, 4, 4), "2 replicas, CPU 100 %, target 50 %: now 4"),
        (Decision(4, 5, 1, 4), "CPU 5 %, target 50 %: 1 would do; waiting for the window"),
    ],
)
def test_each_decision_is_a_sentence(decision: Decision, words: str) -> None:
    """What was seen, and what follows from it."""
    assert words in sentence(decision, Policy(1, 6, 50))
