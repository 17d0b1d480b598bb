"""Judges of names, entry nodes and strangers."""

from __future__ import annotations

import pytest

from orchlab.experiments.network_cost import throughput
from orchlab.records import Event
from tests.unit.histories import ask, event, probed


def resolved(replica: str, node: str, redis: str = "+PONG", **addresses: list[str]) -> Event:
    known = {"redis": ["10.0.0.2"], "web": ["10.0.0.3"], "tasks.web": ["10.0.0.3"]}
    other = {"web.orchlab": [], "web.orchlab.svc.cluster.local": [], "nobody-has-this-name": []}
    names = known | other | {key.replace("_", "-"): value for key, value in addresses.items()}
    return event(1, "resolved", replica, node=node, names=names, redis=redis)


def test_names_that_resolve_everywhere_pass() -> None:
    """From every replica on every node; the names that only this platform knows are said."""
    finding = ask("names", [], [resolved("a", "n1"), resolved("b", "n2")])
    assert finding.verdict == "pass"
    assert (finding.values["nodes"], finding.values["also_known"]) == (2, "tasks.web")
    assert finding.values["addresses_of_redis"] == "10.0.0.2"


def test_a_name_that_one_replica_does_not_find_fails() -> None:
    """Which one is said."""
    finding = ask("names", [], [resolved("a", "n1"), resolved("b", "n2", web=[])])
    assert (finding.verdict, finding.summary) == ("fail", "not resolved: web")


def test_a_name_that_leads_nowhere_fails() -> None:
    """An address is no connection."""
    finding = ask("names", [], [resolved("a", "n1", redis="TimeoutError")])
    assert (finding.verdict, finding.summary) == ("fail", "Redis not reached by a")


def test_names_prove_nothing_where_every_name_resolves() -> None:
    """A name server that answers for anything."""
    everything = resolved("a", "n1", nobody_has_this_name=["10.0.0.9"])
    assert ask("names", [], [everything]).verdict == "unknown"


def entered(**held: int) -> list[Event]:
    return [event(0, "replicas", nodes=held), event(0, "window", "baseline")]


def test_a_node_without_a_replica_answers() -> None:
    """Its requests have a tally of their own."""
    samples = [*probed(8), *probed(8, entry="n2")]
    finding = ask("entries", samples, entered(n1=2, n2=0))
    assert (finding.verdict, finding.values["without_replica"]) == ("pass", 1)
    assert finding.values["failed_without_replica"] == "0/320 (< 0.93 %)"


def test_a_node_without_a_replica_that_refuses_breaks_the_promise() -> None:
    """Every node takes requests."""
    samples = [*probed(8), *probed(8, (0, 8), entry="n2")]
    assert ask("entries", samples, entered(n1=2, n2=0)).verdict == "fail"


def test_one_host_has_no_other_entry() -> None:
    """A limit of the platform, which breaks no promise."""
    assert ask("entries", probed(8), entered(n1=3)).verdict == "limit"


def asked(
    by_name: str, by_address: str, policies: str = "", own: str = "+PONG", app: str = "200"
) -> list[Event]:
    return [
        event(0, "policies", policies),
        event(1, "asked", "a replica", by_address=own),
        event(
            2,
            "asked",
            "a stranger",
            app=f"HTTP/1.1 {app} OK",
            by_name=by_name,
            by_address=by_address,
        ),
    ]


def test_a_stranger_that_gets_no_answer_passes() -> None:
    """By name and by address; how it was turned away is said."""
    finding = ask("isolation", [], asked("gaierror", "TimeoutError"))
    assert (finding.verdict, finding.values["by_name"]) == ("pass", "gaierror")


@pytest.mark.parametrize(
    ("variant", "policies", "verdict"),
    [
        ("hardened", "", "fail"),
        ("defaults", "none (default)", "limit"),
        ("hardened", "3 applied but not enforced: a connection was possible", "limit"),
        ("hardened", "3 applied and enforced: a connection was dropped", "fail"),
    ],
)
def test_a_stranger_that_redis_answers(variant: str, policies: str, verdict: str) -> None:
    """A broken promise of hardened, unless nothing here can enforce the rules that it has."""
    finding = ask("isolation", [], asked("gaierror", "+PONG", policies), variant)
    assert finding.verdict == verdict


@pytest.mark.parametrize(
    "events",
    [asked("gaierror", "TimeoutError", own="TimeoutError"), asked("gaierror", "timeout", app="")],
)
def test_a_stranger_who_could_not_even_ask_proves_nothing(events: list[Event]) -> None:
    """Neither a Redis that is away nor a stranger without a network is isolation."""
    assert ask("isolation", [], events).verdict == "unknown"


def networks(**said: tuple[list[str], str]) -> list[Event]:
    return [
        event(i, "asked", mode.replace("_", " "), addresses=addresses, said=answer)
        for i, (mode, (addresses, answer)) in enumerate(said.items())
    ]


def test_networks_as_documented_pass() -> None:
    """An answer counts, whatever its status."""
    found = networks(
        default_bridge=([], "HTTP/1.0 404 Not Found"), none=([], "ConnectionRefusedError")
    )
    finding = ask("network-modes", [], found)
    assert finding.verdict == "pass"
    assert finding.values == {"default bridge": "by address only", "none": "not at all"}


@pytest.mark.parametrize(
    "answer", [(["10.0.0.1"], "HTTP/1.0 200 OK"), (["10.0.0.1"], "TimeoutError")]
)
def test_a_network_that_is_not_as_documented_fails(answer: tuple[list[str], str]) -> None:
    """A name on the default bridge would be news."""
    finding = ask("network-modes", [], networks(default_bridge=answer))
    assert (finding.verdict, finding.summary) == ("fail", "not as documented: default bridge")


def test_network_costs_are_named_by_their_way() -> None:
    """Each way has its latencies; a platform of one node has none across nodes."""
    measured = [
        event(1, "measured", "same node", p50_ms=0.1234, p99_ms=1.0, gbit_per_s=4.2),
        event(2, "measured", "host to service", p50_ms=0.5, p99_ms=2.0),
    ]
    finding = ask("network-cost", [], measured)
    assert (finding.verdict, finding.summary) == ("pass", "measured: same node, host to service")
    assert finding.values["same_node_p50_ms"] == 0.123
    assert ask("network-cost", [], measured[:1]).verdict == "unknown"


def test_throughput_is_in_bits() -> None:
    """Of the blocks that were sent and came back in a second."""
    assert throughput({"ActualQPS": 1000}) == pytest.approx(0.524288)
