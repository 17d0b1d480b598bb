"""What a history of the guest is judged to prove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from orchlab.records import Event, Finding, History, Sample
from orchlab.uml import judging

S = 1_000_000_000
REPLICAS = ["lab_web.1", "lab_web.2", "lab_web.3"]
PHASES = {"before": 10, "update": 20, "after": 40}
"""When they begin, in seconds; the scenario ends at 50."""

TABLE = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
FWM  00000101 rr
  -> 0A000103:0000      Masq    1      0          0
FWM  00000103 rr
  -> 0A000108:0000      Masq    1      0          0
  -> 0A000107:0000      Masq    1      0          0
  -> 0A000106:0000      Masq    1      0          0
""".splitlines()


def sample(at: float, way: str, replica: str, version: str) -> Sample:
    sent = round(at * S)
    return Sample("new", way, sent, sent, sent + S // 100, "ok", 200, "", replica, version)


def spread(phase: str, version: str) -> list[Sample]:
    begin = PHASES[phase]
    return [
        sample(begin + 0.1 + i / 10, way, REPLICAS[i % 3], version)
        for way in judging.WAYS
        for i in range(30)
    ]


def updated() -> list[Sample]:
    return [
        sample(20.1 + i, way, REPLICAS[i % 3], "1" if i < 10 else "2")
        for way in judging.WAYS
        for i in range(19)
    ]


def history() -> History:
    """What a good run leaves."""
    events = [
        Event(1 * S, "replicas", "", {"names": REPLICAS}),
        Event(2 * S, "name", "web", {"addresses": ["10.0.1.5"]}),
        Event(3 * S, "name", "tasks.web", {"addresses": ["10.0.1.6", "10.0.1.7", "10.0.1.8"]}),
        Event(4 * S, "virtual-ips", "lab_web", {"addresses": ["10.0.0.3", "10.0.1.5"]}),
        Event(5 * S, "ipvs", "ingress_sbox", {"table": TABLE}),
        Event(6 * S, "ipvs", "lb_abc", {"table": TABLE}),
        *(Event(at * S, "phase", name) for name, at in PHASES.items()),
        Event(35 * S, "update-ended", "", {"State": "completed"}),
        Event(50 * S, "end"),
    ]
    samples = [*spread("before", "1"), *updated(), *spread("after", "2")]
    return History("mesh", "swarm", "hardened", samples, events)


def but(event: Event) -> History:
    """A good run in which that event was another one."""
    good = history()
    others = [e for e in good.events if (e.kind, e.subject) != (event.kind, event.subject)]
    return replace(good, events=[*others, event])


def changed(choose: Callable[[Sample], bool], **values: str) -> History:
    """A good run in which those requests went otherwise."""
    good = history()
    after = [replace(s, **values) if choose(s) else s for s in good.samples]  # type: ignore[arg-type]
    return replace(good, samples=after)


def every_answer(run: History) -> list[Finding]:
    return [
        judging.names(run),
        judging.kernel(run),
        judging.balance(run, "before", "1"),
        judging.update(run, "1", "2"),
        judging.balance(run, "after", "2"),
    ]


def test_a_good_run_passes() -> None:
    """One address, IPVS on both ways, turns before and after, nothing lost between."""
    assert [each.verdict for each in every_answer(history())] == ["pass"] * 5


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("web", ["10.0.1.6", "10.0.1.7", "10.0.1.8"]),
        ("web", ["10.0.1.99"]),
        ("tasks.web", ["10.0.1.6"]),
        ("tasks.web", ["10.0.1.5", "10.0.1.6", "10.0.1.7"]),
    ],
)
def test_a_name_with_other_addresses_fails(name: str, addresses: list[str]) -> None:
    """Round robin in DNS, a strange address and missing replicas are no virtual IP."""
    run = but(Event(2 * S, "name", name, {"addresses": addresses}))
    assert judging.names(run).verdict == "fail"


@pytest.mark.parametrize("namespace", ["ingress_sbox", "lb_abc"])
def test_a_way_without_a_virtual_server_fails(namespace: str) -> None:
    """Requests that were balanced by something else prove nothing about IPVS."""
    run = but(Event(5 * S, "ipvs", namespace, {"table": TABLE[:5]}))
    assert judging.kernel(run).verdict == "fail"


def test_real_servers_are_counted_for_each_virtual_server() -> None:
    """A table may hold several virtual servers, or none."""
    assert judging.destinations(TABLE) == [1, 3]
    assert judging.destinations(TABLE[:3]) == []


@pytest.mark.parametrize("way", judging.WAYS)
def test_replicas_out_of_turn_fail(way: str) -> None:
    """Two requests to the wrong replica are seen, on either way."""
    wrong = [s.sent_ns for s in spread("before", "1") if s.entry == way][:4:3]
    run = changed(lambda s: s.entry == way and s.sent_ns in wrong, replica=REPLICAS[1])
    assert judging.balance(run, "before", "1").verdict == "fail"
    assert judging.balance(run, "after", "2").verdict == "pass"


def test_a_replica_that_is_never_reached_fails() -> None:
    """Two of three that take turns perfectly are not three."""
    run = changed(lambda s: s.replica == REPLICAS[2], outcome="fail", replica="")
    finding = judging.balance(run, "before", "1")
    assert finding.verdict == "fail"
    assert "10/30 failed" in finding.summary


def test_an_old_version_after_the_update_fails() -> None:
    """One request that meets an old replica is enough."""
    late = spread("after", "2")[-1].sent_ns
    run = changed(lambda s: s.sent_ns == late, version="1")
    assert judging.balance(run, "after", "2").verdict == "fail"


@pytest.mark.parametrize("way", judging.WAYS)
def test_one_lost_request_fails_the_update(way: str) -> None:
    """Zero means zero, on either way."""
    lost = updated()[7].sent_ns
    run = changed(
        lambda s: (s.entry, s.sent_ns) == (way, lost), outcome="fail", error="TimeoutError"
    )
    finding = judging.update(run, "1", "2")
    assert finding.verdict == "fail"
    assert f"{way}: 1/19 failed" in finding.summary


@pytest.mark.parametrize("state", ["paused", "rollback_completed", "rollback_started"])
def test_an_update_that_gave_up_fails(state: str) -> None:
    """Nothing lost is no merit when nothing was changed."""
    run = but(Event(35 * S, "update-ended", "", {"State": state}))
    assert judging.update(run, "1", "2").verdict == "fail"


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_update_that_was_not_watched_fails(version: str) -> None:
    """Both versions have to be seen: the old one first, the new one last."""
    run = changed(lambda s: True, version=version)
    assert judging.update(run, "1", "2").verdict == "fail"


def test_no_answer_at_all_fails() -> None:
    """A run in which everybody is away has no version to begin with."""
    run = changed(lambda s: True, outcome="fail", replica="", version="")
    assert judging.update(run, "1", "2").verdict == "fail"
    assert judging.balance(run, "before", "1").verdict == "fail"


def test_a_prober_that_paused_proves_nothing() -> None:
    """An outage that nobody could see is neither there nor absent."""
    good = history()
    kept = [s for s in good.samples if not 25 * S < s.sent_ns < 33 * S]
    finding = judging.update(replace(good, samples=kept), "1", "2")
    assert finding.verdict == "void"
    assert finding.values["vip_longest_pause_s"] == pytest.approx(9.0)


def test_requests_belong_to_the_phase_in_which_they_began() -> None:
    """Whatever the order of the rows."""
    good = history()
    mixed = replace(good, samples=good.samples[::-1], events=good.events[::-1])
    assert judging.during(mixed, "update", "vip") == updated()[19:]
