"""Networking: N5, what the network costs: on one node, across nodes, and from the host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from orchlab import labels, shell
from orchlab.apps import Feature
from orchlab.bench.load import FORTIO, of_fortio
from orchlab.errors import CommandFailed
from orchlab.experiments import inside
from orchlab.experiments.base import RECOMMENDED, Bench, Needs, finding
from orchlab.images.gobuild import build
from orchlab.images.gotool import engine_architecture
from orchlab.images.store import Image, ImageStore
from orchlab.platforms.capabilities import Stranger, Strangers
from orchlab.records import Finding, History
from orchlab.wait import wait_until

HTTP_PORT, TCP_PORT = 18081, 18082
SERVE = (
    f"setsid fortio server -http-port {HTTP_PORT} -tcp-port {TCP_PORT} -grpc-port disabled "
    "-udp-port disabled -redirect-port disabled > /dev/null 2>&1 &"
)
REQUESTS = 2000
SECONDS = 3
BLOCK = 65536
"""Bytes in each message of the throughput test; every one is sent back."""
STREAMS = 2
STARTED_SECONDS = 20.0
BITS, GIGA = 8, 1e9


class NetworkCost:
    """N5: fortio between two containers, on the same node and across nodes, and from the host."""

    name = "network-cost"
    row = "N5"
    question = "What does the network cost, on one node, across nodes, and from the host?"
    variants = RECOMMENDED
    needs: Needs = (Strangers, Feature.TOOLS)

    def run(self, bench: Bench) -> None:
        """A server on one node; a client there, one on another node, and one on the host."""
        nodes = _nodes(bench)
        platform = cast("Strangers", bench.platform)
        with _fortio(bench.platform.images, bench.release.image) as (program, image):
            bench.platform.publish(image)
            with platform.stranger(image, nodes[0], "server") as server:
                address = _start(server)
                for way, node in zip(("same node", "across nodes"), nodes, strict=False):
                    with platform.stranger(image, node, "client") as client:
                        bench.mark("measured", way, **_between(client.run, address))
            url = f"{bench.platform.endpoints()[0].url}/health"
            report = shell.run([str(program), *_requests(url)], echo=False)
            bench.mark("measured", "host to service", **_latency(report))

    def judge(self, history: History) -> Finding:
        """Pass when all was measured: a cost breaks no promise."""
        values = {
            f"{each.subject.replace(' ', '_')}_{what}": round(value, 3)
            for each in history.all("measured")
            for what, value in each.detail.items()
        }
        if "host_to_service_p50_ms" not in values:
            return finding(history, "unknown", "not everything was measured", **values)
        ways = ", ".join(each.subject for each in history.all("measured"))
        return finding(history, "pass", f"measured: {ways}", **values)


def _nodes(bench: Bench) -> list[str]:
    """The nodes of replicas, then the other entry nodes."""
    used = sorted({each.node for each in bench.ready()})
    return list(dict.fromkeys([*used, *(each.node for each in bench.platform.endpoints())]))


@contextmanager
def _fortio(images: ImageStore, app: Image) -> Iterator[tuple[Path, Image]]:
    """The load generator as a program and, beside the app, in an image."""
    program = build(FORTIO, engine_architecture(images.client)) / "fortio"
    repository, tag = app.reference.rpartition(":")[0], f"fortio-{labels.LAB}"
    container = images.client.containers.create(app.reference, labels=labels.labels())
    try:
        shell.run(["docker", "cp", program, f"{container.name}:/usr/local/bin/fortio"])
        made = container.commit(repository, tag)
    finally:
        container.remove()
    try:
        yield program, Image(f"{repository}:{tag}", str(made.id))
    finally:
        images.client.images.remove(f"{repository}:{tag}", force=True)


def _start(server: Stranger) -> str:
    """Start the server; returns its address once it answers."""
    host = server.run("hostname").strip()
    (address, *_) = inside.resolve(server.run, [host])[host]
    server.run("sh", "-c", SERVE)

    def answers() -> bool:
        try:
            return inside.get(server.run, address, HTTP_PORT).startswith("HTTP/")
        except CommandFailed:
            return False

    wait_until("fortio answers", answers, timeout=STARTED_SECONDS)
    return address


def _between(run: inside.Run, address: str) -> dict[str, float]:
    """Latency of small requests, then how much goes through."""
    found = _latency(run("fortio", *_requests(f"http://{address}:{HTTP_PORT}/")))
    words = ["load", "-quiet", "-qps=0", f"-c={STREAMS}", f"-t={SECONDS}s", "-json=-"]
    said = run("fortio", *words, f"-payload-size={BLOCK}", f"tcp://{address}:{TCP_PORT}")
    return found | {"gbit_per_s": throughput(_report(said))}


def throughput(report: dict[str, Any]) -> float:
    """Gigabits per second in either direction at once, of a report about echoed blocks."""
    return float(report["ActualQPS"]) * BLOCK * BITS / GIGA


def _requests(url: str) -> list[str]:
    words = ["load", "-quiet", "-qps=0", "-c=1", f"-n={REQUESTS}", "-r=0.00001", "-p=50,99"]
    return [*words, "-json=-", url]


def _latency(said: str) -> dict[str, float]:
    load = of_fortio(_report(said), REQUESTS)
    return {"p50_ms": load.p50_ms, "p99_ms": load.p99_ms}


def _report(said: str) -> dict[str, Any]:
    """The report in what a command printed: a line of somebody else's may come first."""
    return dict(json.loads(said[said.index("{") :]))
