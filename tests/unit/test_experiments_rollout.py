"""Judges of updates, of scaling and of drains."""

from __future__ import annotations

import pytest

from orchlab.records import Event
from tests.unit.histories import ask, event, probed


def updated(*versions: str) -> list[Event]:
    return [
        event(2, "fault", "update to version 2"),
        event(8, "ready", "updated", versions=list(versions)),
        event(14, "rollback"),
        event(18, "restored", "updated"),
    ]


def test_an_update_that_loses_nothing_passes() -> None:
    """Both directions have their tally and their time."""
    finding = ask("update", probed(25), updated("2"))
    assert finding.verdict == "pass"
    assert (finding.values["update_s"], finding.values["rollback_s"]) == (6.0, 4.0)
    assert finding.values["failed_update"] == "0/480 (< 0.62 %)"


@pytest.mark.parametrize(("variant", "verdict"), [("hardened", "fail"), ("defaults", "limit")])
def test_an_update_that_loses_requests(variant: str, verdict: str) -> None:
    """Breaks the promise of hardened, and is what defaults are known for."""
    finding = ask("update", probed(25, (15, 16)), updated("2"), variant)
    assert finding.verdict == verdict
    assert finding.summary == "updated and taken back; 20 of 920 requests failed"
    assert finding.values["failed_rollback"] == "20/440"


def test_an_update_that_did_not_take_place_is_void() -> None:
    """A replica was still of the old version, so nothing was measured."""
    finding = ask("update", probed(25), updated("1", "2"))
    assert (finding.verdict, finding.summary) == ("void", "after the update ran version: 1, 2")


def bad(outcome: str, kept: int = 3) -> list[Event]:
    return [
        event(2, "fault", "update to app:x"),
        event(9, "settled", outcome, reason="unhealthy"),
        event(10, "ready", kept=kept, of=3),
    ]


@pytest.mark.parametrize("name", ["missing-image", "failing-image"])
def test_a_bad_image_that_is_undone_without_a_loss_passes(name: str) -> None:
    """The reason and the replicas that were never touched are said."""
    finding = ask(name, probed(20), bad("rolled-back", 2))
    assert (finding.verdict, finding.values["replicas_kept"]) == ("pass", "2 of 3")
    assert (finding.values["reason"], finding.values["settled_s"]) == ("unhealthy", 7.0)


@pytest.mark.parametrize("name", ["missing-image", "failing-image"])
def test_a_bad_image_that_is_taken_for_good_fails(name: str) -> None:
    """Even if nothing was lost yet."""
    assert ask(name, probed(20), bad("updated")).verdict == "fail"


@pytest.mark.parametrize(("variant", "verdict"), [("hardened", "fail"), ("defaults", "limit")])
def test_a_bad_image_that_nobody_undoes(variant: str, verdict: str) -> None:
    """An outage until somebody deploys anew: expected of defaults alone."""
    finding = ask("failing-image", probed(20, (3, 9)), bad("given up", 0), variant)
    assert finding.verdict == verdict
    assert finding.summary == "nobody undid it; 120 requests failed until a new deployment"


def test_a_bad_image_that_reached_clients_fails() -> None:
    """Undone, but too late."""
    assert ask("failing-image", probed(20, (3, 4)), bad("rolled-back")).verdict == "fail"


def steps(found: tuple[int, int]) -> list[Event]:
    return [
        event(2, "fault", "scale to 6"),
        event(5, "ready", found=found[0]),
        event(8, "fault", "scale to 2"),
        event(9.5, "ready", found=found[1]),
    ]


def test_scaling_times_each_step() -> None:
    """From the order until all that were asked for serve."""
    finding = ask("scale", probed(20), steps((6, 2)))
    assert finding.verdict == "pass"
    assert (finding.values["to_6_s"], finding.values["to_2_s"]) == (3.0, 1.5)


@pytest.mark.parametrize(("variant", "verdict"), [("hardened", "fail"), ("defaults", "limit")])
def test_scaling_that_loses_requests(variant: str, verdict: str) -> None:
    """A promise of hardened alone."""
    assert ask("scale", probed(20, (8, 9)), steps((6, 2)), variant).verdict == verdict


def test_scaling_to_another_number_fails() -> None:
    """What was asked for must run."""
    assert ask("scale", probed(20), steps((6, 3))).verdict == "fail"


def drained(left: list[str]) -> list[Event]:
    return [event(2, "fault", "gone"), event(6, "ready", "gone", left=left)]


def test_a_drain_is_judged_by_the_clients_of_the_other_nodes() -> None:
    """The emptied node may be no entry any more."""
    samples = [*probed(15), *probed(15, (2, 15), "gone")]
    finding = ask("drain", samples, drained([]))
    assert (finding.verdict, finding.values["drained_s"]) == ("pass", 4.0)
    assert ask("drain", [*probed(15, (3, 4)), *samples], drained([])).verdict == "fail"


def test_a_drain_that_leaves_a_replica_fails() -> None:
    """By name."""
    finding = ask("drain", probed(15), drained(["web.1"]))
    assert (finding.verdict, finding.summary) == ("fail", "still on gone: web.1")


def scaled(*ends: Event) -> list[Event]:
    start = event(0, "policy", least=2, most=4, target=10.0)
    return [start, event(1, "load"), event(50, "rest"), *ends]


def test_an_autoscaler_is_timed_both_ways() -> None:
    """From the rise of the load, and from its end."""
    finding = ask("autoscale", [], scaled(event(31, "grown"), event(72.5, "shrunk")))
    assert finding.verdict == "pass"
    assert (finding.values["grown_s"], finding.values["shrunk_s"]) == (30.0, 22.5)


@pytest.mark.parametrize("missing", ["grown", "shrunk"])
def test_an_autoscaler_that_does_not_act_fails(missing: str) -> None:
    """What never came is censored, in text."""
    ends = [event(31, "grown"), event(72, "shrunk")]
    seen = [each for each in ends if each.kind != missing]
    finding = ask("autoscale", [], scaled(*seen, event(80, "censored", missing, seconds=150.0)))
    assert (finding.verdict, finding.values[f"{missing}_s"]) == ("fail", "> 150")
