"""The prober as a process, against small servers on the loopback interface."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from orchlab import metrics
from orchlab.apps import App, Identity
from orchlab.errors import OrchlabError
from orchlab.paths import ROOT
from orchlab.platforms.base import Endpoint
from orchlab.prober import Prober, pressure, priority, read_samples
from orchlab.prober.plan import Entry, Plan
from orchlab.prober.rows import append, scan
from orchlab.prober.schedule import intended
from orchlab.records import Event

ANSWER = (
    b"HTTP/1.1 200 OK\r\nX-Replica: r1\r\nX-Version: 7\r\nContent-Length: 2\r\n"
    b"Connection: keep-alive\r\n\r\nok"
)


class Server:
    """Counts connections and requests; ``answers`` per connection, then it is cut."""

    def __init__(self, answer: bytes = ANSWER, answers: int = 1_000_000) -> None:
        self.connections = self.requests = 0
        self._answer, self._answers = answer, answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for count in range(1, self._answers + 2):
                if not connection.recv(65536):
                    return
                self.requests += 1
                if count > self._answers:
                    return
                if not self._answer:
                    time.sleep(3)
                connection.sendall(self._answer)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def serving(answer: bytes = ANSWER, answers: int = 1_000_000) -> Iterator[Server]:
    server = Server(answer, answers)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(2)


def test_series_and_entries(tmp_path: Path) -> None:
    """Both series visit the entries in turn; only one of them opens a connection per request."""
    into = tmp_path / "rows.jsonl"
    with serving() as one, serving() as two:
        with Prober([Endpoint("n1", one.url), Endpoint("n2", two.url)], into, rate=40) as prober:
            time.sleep(1.0)
            assert prober.samples()
        samples = read_samples(into)
        assert {s.outcome for s in samples} == {"ok"}
        assert {(s.replica, s.version) for s in samples if s.series == "new"} == {("r1", "7")}
        counts = Counter((s.series, s.entry) for s in samples)
        assert abs(counts["new", "n1"] - counts["new", "n2"]) <= 1
        assert counts["control", "control"] >= 9
        new = sum(s.series == "new" for s in samples)
        assert new >= 35
        assert new + 2 <= one.connections + two.connections <= new + 8
    assert metrics.void_reasons(samples) == []
    kinds = Counter(r.kind for r in scan(into) if isinstance(r, Event))
    assert (kinds["probe-start"], kinds["probe-stop"]) == (1, 1)
    assert kinds["pressure"] >= 1 or pressure.sample() is None


@pytest.mark.parametrize(
    ("body", "replica"), [(b'{"me": "web-1"}', "web-1"), (b"{}", ""), (b"\xff", "")]
)
def test_an_app_without_the_header_says_in_its_answer_who_it_is(
    tmp_path: Path, body: bytes, replica: str
) -> None:
    """As its description has it, asked on the path that is described; else nobody answered."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    app = App(name="x", image="x", port=80, health="/", identity=Identity(path="/me", field="me"))
    into = tmp_path / "rows.jsonl"
    with serving(answer) as server:
        prober = Prober([Endpoint("n1", server.url)], into, rate=20, app=app)
        with prober:
            time.sleep(0.3)
    found = [each for each in read_samples(into) if each.series != "control"]
    assert {(each.outcome, each.replica) for each in found} == {("ok", replica)}


def test_a_plan_reaches_the_prober_as_it_is() -> None:
    """With how an answer says who gave it."""
    entry = Entry("n1", "http://127.0.0.1/me")
    plan = Plan((entry,), entry, "rows", identity=Identity(path="/me"))
    assert Plan.from_json(plan.to_json()) == plan


def test_schedule_is_open_loop(tmp_path: Path) -> None:
    """A server that never answers in time delays no request: intended times stay equidistant."""
    into = tmp_path / "rows.jsonl"
    with serving(answer=b"") as server, Prober([Endpoint("n1", server.url)], into, rate=20):
        time.sleep(1.5)
    new = sorted(s.intended_ns for s in read_samples(into) if s.series == "new")
    assert len(new) >= 28
    assert {b - a for a, b in pairwise(new)} == {50_000_000}
    slow = [s for s in read_samples(into) if s.series != "control"]
    assert {(s.outcome, s.error) for s in slow} == {("fail", "TimeoutError")}
    assert all(0.9e9 < s.done_ns - s.sent_ns < 1.5e9 for s in slow)


def test_cut_connection_is_not_retried(tmp_path: Path) -> None:
    """A request on a kept-alive connection that the server cuts fails; it is not sent again."""
    into = tmp_path / "rows.jsonl"
    with serving(answers=1) as server:
        with Prober([Endpoint("n1", server.url)], into, rate=20):
            time.sleep(1.0)
        samples = [s for s in read_samples(into) if s.series != "control"]
        assert server.requests == len(samples)
    reused = [s for s in samples if s.series == "reused"]
    assert {s.error for s in reused if s.outcome == "fail"} == {"ServerDisconnectedError"}
    assert {s.outcome for s in samples if s.series == "new"} == {"ok"}


def test_refused_and_5xx_are_failures(tmp_path: Path) -> None:
    """A refused connection fails with its error's name, an error status with the status."""
    into = tmp_path / "rows.jsonl"
    with serving() as gone:
        pass
    unavailable = b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n"
    with serving(unavailable) as away:
        ends = [Endpoint("gone", gone.url), Endpoint("away", away.url)]
        with Prober(ends, into, rate=20):
            time.sleep(0.5)
    seen = {(s.entry, s.outcome, s.status, s.error) for s in read_samples(into)}
    assert seen == {
        ("gone", "fail", 0, "ClientConnectorError"),
        ("away", "fail", 503, ""),
        ("control", "ok", 200, ""),
    }


def pids_of(prober: Prober) -> list[int]:
    return [child.pid for child in prober._children]  # noqa: SLF001 - nobody else needs them


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_killed_prober_is_an_error(tmp_path: Path) -> None:
    """A prober that dies inside the block is reported, and the control server still stops."""
    pids: list[int] = []

    def block() -> None:
        with Prober([Endpoint("n1", server.url)], tmp_path / "rows.jsonl") as prober:
            pids.extend(pids_of(prober))
            os.kill(pids[-1], signal.SIGKILL)
            time.sleep(0.2)

    with serving() as server, pytest.raises(OrchlabError, match=r"orchlab.prober ended early"):
        block()
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_unwritable_file_is_an_error(tmp_path: Path) -> None:
    """A prober that cannot write its rows doesn't start, and the message says why."""
    block = Prober([Endpoint("n1", "http://127.0.0.1:1")], tmp_path)
    with pytest.raises(OrchlabError, match=r"(?s)did not start.*Is a directory"), block:
        pass


def test_error_of_the_block_is_kept(tmp_path: Path) -> None:
    """An error inside the block comes out unchanged and both processes are gone."""
    pids: list[int] = []

    def block() -> None:
        with Prober([Endpoint("n1", server.url)], tmp_path / "rows.jsonl") as prober:
            pids.extend(pids_of(prober))
            raise KeyboardInterrupt

    with serving() as server, pytest.raises(KeyboardInterrupt):
        block()
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_prober_ends_with_its_parent(tmp_path: Path) -> None:
    """When stdin closes, as it does when the parent dies, the prober ends cleanly."""
    into = tmp_path / "rows.jsonl"
    with serving() as server:
        plan = Plan((Entry("n1", server.url),), Entry("control", server.url), str(into))
        with subprocess.Popen(
            [sys.executable, "-m", "orchlab.prober"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(plan.to_json() + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "started\n"
            process.stdin.close()
            assert process.wait(5) == 0
    assert [r for r in scan(into) if isinstance(r, Event)][-1].kind == "probe-stop"


def test_precedence_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to precedence the prober runs as an ordinary process and says so."""

    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    monkeypatch.setattr(os, "nice", lambda step: step)
    assert priority.rise() == "niceness -10"
    monkeypatch.setattr(os, "nice", refuse)
    assert priority.rise() == "ordinary"


def test_plan_survives_json() -> None:
    """A plan is the same after its journey through stdin."""
    plan = Plan((Entry("a", "http://a"), Entry("b", "http://b")), Entry("c", "http://c"), "f", 7.0)
    assert Plan.from_json(plan.to_json()) == plan


def test_intended_times_do_not_drift() -> None:
    """The millionth request is due exactly where the rate says."""
    assert intended(5, 3.0, 3_000_000) == 5 + 1_000_000 * 1_000_000_000


def test_half_written_line_is_reported(tmp_path: Path) -> None:
    """A line cut by a kill is left out and named; the others are read."""
    path = tmp_path / "rows.jsonl"
    event = Event(1, "fault", "r1", {"node": "n1"})
    append(path, event)
    with path.open("a") as file:
        file.write(json.dumps({"type": "sample"})[:9])
    assert list(scan(path)) == [event, "rows.jsonl:2: unreadable line of 9 bytes left out"]
    assert read_samples(path) == []


def test_pressure(tmp_path: Path) -> None:
    """CPU pressure is read where the kernel tells it and left out where it doesn't."""
    path = tmp_path / "cpu"
    assert pressure.sample(path) is None
    path.write_text(
        "some avg10=1.50 avg60=0.00 avg300=0.00 total=42\nfull avg10=0.00 avg60=0.00 total=0\n"
    )
    event = pressure.sample(path)
    assert event is not None
    assert event.detail == {"avg10": 1.5, "total_us": 42}
