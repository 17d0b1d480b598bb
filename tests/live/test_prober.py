"""The prober against an independent load generator, on a target that counts what it answers."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from orchlab import shell
from orchlab.bench.load import FORTIO, MS_PER_S, RESOLUTION
from orchlab.images.gobuild import build
from orchlab.images.gotool import architecture
from orchlab.metrics import latency_ms
from orchlab.platforms.base import Endpoint
from orchlab.prober import Prober, read_samples
from orchlab.records import Sample, Series

DELAY_S = 0.02
"""So long that what a client adds of its own is small beside it."""

EVERY = 5
"""One answer in so many is a failure."""

SECONDS = 6
RATE = 50
FACTOR = 1.5


class Target(http.server.ThreadingHTTPServer):
    """A double of an app: slow by a known time, and failing at a known rate."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.lock = threading.Lock()
        self.answers: Counter[int] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def next_status(self) -> int:
        """Every fifth is a 503."""
        with self.lock:
            late = self.answers.total() % EVERY == EVERY - 1
            status = HTTPStatus.SERVICE_UNAVAILABLE if late else HTTPStatus.OK
            self.answers[status] += 1
            return status


class Answer(http.server.BaseHTTPRequestHandler):
    """One answer of the target."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Target

    def do_GET(self) -> None:
        time.sleep(DELAY_S)
        self.send_response(self.server.next_status())
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of it."""


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def probed(target: Target, rows: Path) -> list[Sample]:
    with Prober([Endpoint("target", target.url)], rows, RATE):
        time.sleep(SECONDS)
    return [each for each in read_samples(rows) if each.series != "control"]


def loaded(target: Target, *, reused: bool) -> tuple[Counter[int], float]:
    """Status codes and the median in ms, as fortio has them at the prober's rate."""
    fortio = build(FORTIO, architecture()) / "fortio"
    words = ["load", "-quiet", f"-qps={RATE}", f"-t={SECONDS}s", "-c=4", "-json=-", "-p=50"]
    words += [f"-r={RESOLUTION}", f"-keepalive={str(reused).lower()}", "-allow-initial-errors"]
    report = json.loads(shell.run([fortio, *words, f"{target.url}/whoami"], echo=False))
    (median,) = report["DurationHistogram"]["Percentiles"]
    codes = {int(code): count for code, count in report["RetCodes"].items()}
    return Counter(codes), median["Value"] * MS_PER_S


def test_every_answer_is_counted_as_what_it_is(target: Target, tmp_path: Path) -> None:
    """Not one success or failure more or less than the target gave."""
    outcomes = Counter(each.outcome for each in probed(target, tmp_path / "rows.jsonl"))
    assert outcomes == {
        "ok": target.answers[HTTPStatus.OK],
        "fail": target.answers[HTTPStatus.SERVICE_UNAVAILABLE],
    }


@pytest.mark.parametrize("series", ["new", "reused"])
def test_the_prober_agrees_with_an_independent_load_generator(
    target: Target, tmp_path: Path, series: Series
) -> None:
    """On what is a success, on their share, and on the median latency: within a factor of 1.5."""
    samples = probed(target, tmp_path / "rows.jsonl")
    codes, median = loaded(target, reused=series == "reused")
    ok = sum(each.outcome == "ok" for each in samples) / len(samples)
    assert ok == pytest.approx(codes[HTTPStatus.OK] / codes.total(), abs=0.02)
    assert ok == pytest.approx(1 - 1 / EVERY, abs=0.02)
    ours = latency_ms((each for each in samples if each.series == series), 50)
    assert ours is not None
    assert median / FACTOR < ours < median * FACTOR
