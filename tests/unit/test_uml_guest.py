"""The parts of the guest that do not need one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from orchlab.records import Sample, from_row
from orchlab.uml import mesh
from orchlab.uml.guest import probe
from orchlab.uml.machine import GUEST


class App(BaseHTTPRequestHandler):
    """Answers as a replica does; remembers who asked."""

    ports: list[int]

    def do_GET(self) -> None:
        self.ports.append(self.client_address[1])
        self.send_response(200 if self.path == "/whoami" else 503)
        self.send_header("X-Replica", "web.1")
        self.send_header("X-Version", "2")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    App.ports = []
    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def one(url: str) -> Sample:
    row = from_row(dict(probe.sample("ingress", url, 7)))
    assert isinstance(row, Sample)
    return row


def test_a_request_is_a_row_of_the_lab(address: str) -> None:
    """The guest cannot import the lab's records, but writes them."""
    row = one(f"{address}/whoami")
    assert (row.entry, row.series, row.outcome, row.status) == ("ingress", "new", "ok", 200)
    assert (row.replica, row.version, row.intended_ns) == ("web.1", "2", 7)
    assert row.sent_ns < row.done_ns


def test_an_error_status_is_a_failure(address: str) -> None:
    """An answer counts as served only if it says so."""
    assert (one(f"{address}/other").outcome, one(f"{address}/other").status) == ("fail", 503)


def test_a_refused_connection_is_a_failure() -> None:
    """The prober goes on and names the error."""
    row = one("http://127.0.0.1:1/whoami")
    assert (row.outcome, row.error) == ("fail", "ConnectionRefusedError")


def run_probe(url: str, *limits: str, stdin: int) -> list[Sample]:
    argv = [sys.executable, str(GUEST / "probe.py"), "vip", url, "100", *limits]
    done = subprocess.run(argv, stdin=stdin, stdout=subprocess.PIPE, text=True, check=True)
    rows = [from_row(json.loads(line)) for line in done.stdout.splitlines()]
    return [row for row in rows if isinstance(row, Sample)]


def test_the_prober_ends_after_a_number_of_requests(address: str) -> None:
    """Each on a connection of its own, from a port of its own."""
    first = 20000 + os.getpid() % 10000
    reading, writing = os.pipe()
    try:
        rows = run_probe(f"{address}/whoami", "5", str(first), stdin=reading)
    finally:
        os.close(reading)
        os.close(writing)
    assert [row.outcome for row in rows] == ["ok"] * 5
    assert App.ports == [first + i for i in range(5)]


def test_the_prober_ends_when_nobody_holds_it(address: str) -> None:
    """A closed stdin is the end, however much is left to send."""
    assert run_probe(f"{address}/whoami", stdin=subprocess.DEVNULL) == []


@pytest.mark.parametrize(
    ("slot", "seconds", "expected"), [(0, 0.05, 1), (0, 0.1, 1), (0, 0.95, 10), (9, 0.95, 10)]
)
def test_what_is_overdue_is_left_out(slot: int, seconds: float, expected: int) -> None:
    """At ten a second, the next place is the first that is still to come."""
    assert probe.next_slot(slot, seconds, 10) == expected


def test_the_guest_leaves_the_roll_of_an_update_alone() -> None:
    """What it adds to the stack is patience and a client; it is the same update."""
    added = yaml.safe_load((GUEST / "machine.yaml").read_text())["services"]
    assert set(added["web"]) == {"healthcheck", "stop_grace_period"}
    assert "test" not in added["web"]["healthcheck"]
    assert set(added) == {"web", "redis", "client"}


def test_the_guest_runs_the_stack_of_any_swarm() -> None:
    """The files are those that the adapter deploys on a kernel with IPVS."""
    names = [path.name for path in mesh.STACK.files]
    assert names == ["swarm.hardened.yaml", "swarm.mesh.yaml"]
    assert all(Path(path).exists() for path in mesh.STACK.files)
