"""V3, the ledger: what its writers note, and how that is judged."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchlab.experiments.base import judged
from orchlab.experiments.ledger import Ledger, policy, synced
from orchlab.experiments.writers import Writers
from orchlab.images.store import ImageStore
from orchlab.outages import NS_PER_S
from orchlab.platforms.base import StoreCrash
from orchlab.platforms.registry import PLATFORMS
from orchlab.records import Event, Finding, History
from orchlab.wait import wait_until


def event(at_s: float, kind: str, **detail: object) -> Event:
    return Event(round(at_s * NS_PER_S), kind, "", detail)


def ask(events: list[Event]) -> Finding:
    return judged(Ledger(), History("ledger", "swarm", "defaults", [], events))


def run(
    fsync: str, acknowledged: list[int], unknown: int, read: int | None, wait: float | None = 1.02
) -> list[Event]:
    """A run from a counter of 10; Redis is killed in second 3 and read again in second 5."""
    events = [
        event(0, "policy", fsync=fsync),
        event(0, "before", value=10),
        event(3, "fault", rate=200.0),
        event(3.1, "fault-verified"),
        event(4, "written", acknowledged=acknowledged, unknown=unknown),
    ]
    if wait is not None:
        events.append(event(1, "synced", seconds=[wait / 2, wait]))
    if read is not None:
        events.append(event(5, "read", value=read))
    return events


def test_ledger_names_policy_numbers_and_exposure() -> None:
    """A finding says how much was written, kept and lost, and what power loss would have taken."""
    finding = ask(run("everysec", [11, 12, 14], 2, 14))
    assert (finding.verdict, finding.summary) == ("pass", "all 3 acknowledged writes were kept")
    assert finding.values == {
        "fsync": "everysec",
        "acknowledged": 3,
        "unknown": 2,
        "synced_after_s": 1.02,
        "power_loss": "the last 1.0 s, here about 204",
        "kept": 4,
        "lost": 0,
        "unreadable_s": 2.0,
    }


@pytest.mark.parametrize(
    ("acknowledged", "unknown", "read", "lost"),
    [
        ([11, 12, 13], 0, 13, 0),
        ([11, 12, 13], 0, 12, 1),
        ([11, 12, 13], 5, 10, 3),
        ([11, 12, 13, 12, 13, 14], 0, 14, 2),  # two were forgotten and given out again
        ([11, 12, 13], 2, 15, 0),  # both unknown writes happened
    ],
)
def test_ledger_counts_what_was_forgotten(
    acknowledged: list[int], unknown: int, read: int, lost: int
) -> None:
    """A value above the counter is lost, and so is one given twice; an unknown write never is."""
    finding = ask(run("always", acknowledged, unknown, read))
    assert finding.values["lost"] == lost
    assert finding.verdict == ("fail" if lost else "pass")


def test_ledger_expects_no_more_of_a_policy_than_it_promises() -> None:
    """Only `always` promises that nothing acknowledged is lost."""
    finding = ask(run("everysec", [11, 12], 0, 11))
    assert (finding.verdict, finding.summary) == ("limit", "1 acknowledged writes lost")


def test_ledger_with_writes_of_somebody_else_is_unknown() -> None:
    """A counter that the writers cannot explain proves nothing."""
    assert ask(run("always", [11, 12], 1, 14)).verdict == "unknown"


def test_ledger_without_a_redis_to_read_fails() -> None:
    """A Redis that stays away has lost everything, for all that a client can tell."""
    finding = ask(run("always", [11], 0, None))
    assert (finding.verdict, finding.summary) == ("fail", "Redis did not come back")


@pytest.mark.parametrize(
    ("fsync", "wait", "said"),
    [
        ("always", 0.01, "none: each write is synced before its answer"),
        ("no", 5.0, "more than the last 5 s"),
        ("off", None, "all since the last snapshot: no append-only file"),
    ],
)
def test_ledger_says_what_power_loss_would_take(fsync: str, wait: float | None, said: str) -> None:
    """The exposure follows from the policy; a wait that ran out is no number."""
    finding = ask(run(fsync, [11], 0, 11, wait))
    assert finding.values["power_loss"] == said


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_ledger_can_be_asked_of_every_platform(name: str) -> None:
    """No platform is without a way to kill Redis and to ask it."""
    assert isinstance(PLATFORMS[name](ImageStore()), StoreCrash)


class Redis:
    """A Redis that answers from a list."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.asked: tuple[str, ...] = ()

    def crash_store(self) -> None:
        raise AssertionError("nobody should kill it")

    def ask_store(self, *commands: str) -> list[str]:
        self.asked = commands
        return list(self.answers)


@pytest.mark.parametrize(("kept", "expected"), [("yes", "everysec"), ("no", "off")])
def test_a_policy_needs_an_append_only_file(kept: str, expected: str) -> None:
    """Without the file its policy means nothing."""
    redis = Redis("appendfsync", "everysec", "appendonly", kept)
    assert policy(redis) == expected


def test_a_sync_is_timed_by_redis_own_clock() -> None:
    """Seconds and microseconds around each wait; the probe's key is removed again."""
    rounds = [("OK", "100", "900000", "1", "0", "101", "100000")] * 3
    redis = Redis(*(line for each in rounds for line in each), "1")
    assert synced(redis) == pytest.approx([0.2] * 3)
    assert redis.asked[-1] == "DEL orchlab:synced"


class Counter(BaseHTTPRequestHandler):
    """Every third write is carried out and answered with 503, like one that timed out."""

    values: Iterator[int]

    def do_POST(self) -> None:
        value = next(self.values)
        body = json.dumps({"count": value}).encode()
        self.send_response(200 if value % 3 else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def counter() -> Iterator[str]:
    Counter.values = itertools.count(1)
    with ThreadingHTTPServer(("127.0.0.1", 0), Counter) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_writers_keep_a_ledger(counter: str) -> None:
    """Each acknowledged value is noted once; what was not acknowledged is only counted."""
    with Writers(counter, writers=4) as writers:
        wait_until("some writes", lambda: writers.unknown >= 3, timeout=30)
        assert writers.rate() > 0
    noted = sorted(writers.acknowledged)
    total = len(noted) + writers.unknown
    assert noted == [value for value in range(1, total + 1) if value % 3]


def test_writers_stop_when_told(counter: str) -> None:
    """Nothing is written after the block, and a broken block stops them too."""
    with pytest.raises(RuntimeError), Writers(counter) as writers:
        raise RuntimeError
    assert not any(thread.is_alive() for thread in writers.threads)
