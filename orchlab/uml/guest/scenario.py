"""What is tried in the guest: the stack on a swarm, requests from both sides, an update.

Everything that happens goes as rows into ``/report``: events into ``events.jsonl``, the
requests of a way in into ``<way>.jsonl``. What they mean is judged by the host. Variables:

=============  =================================================================
NODE_ADDRESS   the node's address, as a client outside reaches it
STACK          name of the stack
STACK_FILES    its files below ``/stacks``, separated by commas
APP_IMAGE      the app; NEXT_IMAGE is what it is updated to
REDIS_IMAGE    Redis
WEB_REPLICAS   how many replicas of the app
=============  =================================================================

A key of the app is made for the guest and ends with it.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

from .engine import get, run, until
from .probe import sample

REPORT = Path("/report")
NAMESPACES = Path("/run/docker/netns")
STACK = os.environ["STACK"]
WEB = f"{STACK}_web"
REPLICAS = int(os.environ["WEB_REPLICAS"])
ENTRY_PORT = 8080
OUTSIDE_URL = f"http://{os.environ['NODE_ADDRESS']}:{ENTRY_PORT}/whoami"
WAYS = {"ingress": ("outside", OUTSIDE_URL), "vip": ("inside", "http://web:8000/whoami")}
"""The ways in: through the entry port from outside, and by the service's name from inside."""

UPDATE_RATE = 10.0
"""Requests per second and way in: what one slow core can do beside an update."""
SPREAD_RATE = 25.0
SPREAD_REQUESTS = 10 * REPLICAS
UPDATE_SECONDS = 360.0
STEADY_SECONDS = 3.0
"""How long requests go on before an update begins and after it ended."""


def mark(kind: str, subject: str = "", **detail: object) -> None:
    """Record that something happens now, and say so on the console."""
    now = time.monotonic_ns()
    row = {"type": "event", "at_ns": now, "kind": kind, "subject": subject, "detail": detail}
    with (REPORT / "events.jsonl").open("a", encoding="utf-8") as events:
        events.write(json.dumps(row) + "\n")
    print(f"{now / 1e9:.0f} s: {kind} {subject}", flush=True)  # noqa: T201 - the console


def start_swarm() -> None:
    """The engine with the images, and a swarm of one node."""
    until("the engine answers", lambda: bool(get("/info")), 180)
    mark("engine", get("/version")["Version"])
    run("docker", "load", "--quiet", "--input=/images/images.tar")
    mark("images")
    run("docker", "swarm", "init", f"--advertise-addr={os.environ['NODE_ADDRESS']}")
    run("docker", "node", "update", "--label-add=orchlab.store=true", socket.gethostname())
    mark("swarm")


def deploy() -> None:
    """The stack, as anybody would deploy it; returns when every replica serves outside."""
    key = Path("/run/api-key")
    key.write_text(secrets.token_urlsafe(), encoding="ascii")
    os.environ |= {"API_KEY_FILE": str(key), "ENTRY_PORT": str(ENTRY_PORT)}
    files = [f"/stacks/{name}" for name in os.environ["STACK_FILES"].split(",")]
    words = [f"--compose-file={file}" for file in [*files, "/opt/guest/machine.yaml"]]
    run("docker", "stack", "deploy", "--detach=true", "--resolve-image=never", *words, STACK)
    mark("deployed")
    until("all tasks run", tasks_run, 240)
    seen: set[object] = {""}

    def all_seen() -> bool:
        seen.add(sample("", OUTSIDE_URL, 0)["replica"])
        return len(seen) > REPLICAS

    until("every replica answers", all_seen, 60)
    tasks = get("/tasks", service=WEB, desired_state="running")
    mark("replicas", names=sorted(f"{WEB}.{task['Slot']}" for task in tasks))


def tasks_run() -> bool:
    """Whether every service runs all its tasks."""
    counts = [service["ServiceStatus"] for service in get("/services")]
    return all(count["RunningTasks"] == count["DesiredTasks"] for count in counts)


def join_inside() -> None:
    """Name the network of the client inside, as that of the client outside has a name."""
    label = f"com.docker.swarm.service.name={STACK}_client"
    container = get("/containers/json", label=label)[0]["Id"]
    pid = get(f"/containers/{container}/json")["State"]["Pid"]
    run("ip", "netns", "attach", "inside", str(pid))


def look_around() -> None:
    """Record the addresses behind the names, and the kernel's own virtual servers."""
    for name in ("web", "tasks.web"):
        answer = run("ip", "netns", "exec", "inside", "getent", "ahostsv4", name)
        mark("name", name, addresses=sorted({line.split()[0] for line in answer.splitlines()}))
    virtual = get(f"/services/{WEB}")["Endpoint"]["VirtualIPs"]
    mark("virtual-ips", WEB, addresses=[each["Addr"].partition("/")[0] for each in virtual])
    for namespace in [NAMESPACES / "ingress_sbox", *sorted(NAMESPACES.glob("lb_*"))]:
        table = run("nsenter", f"--net={namespace}", "cat", "/proc/net/ip_vs")
        mark("ipvs", namespace.name, table=table.splitlines())


def prober(way: str, rate: float, *limits: int) -> subprocess.Popen[bytes]:
    """A prober on one of the ways in."""
    network, url = WAYS[way]
    argv = ["ip", "netns", "exec", network, "python3", "/opt/guest/probe.py", way, url]
    words = map(str, (rate, *limits))
    with (REPORT / f"{way}.jsonl").open("ab") as rows:
        return subprocess.Popen([*argv, *words], stdin=subprocess.PIPE, stdout=rows)


def spread(phase: str, first_port: int) -> None:
    """A number of requests through each way in, one way after the other."""
    mark("phase", phase)
    for way in WAYS:
        with prober(way, SPREAD_RATE, SPREAD_REQUESTS, first_port) as process:
            process.wait()


def update() -> None:
    """Change the app's image under requests from both sides at once."""
    image = os.environ["NEXT_IMAGE"]
    mark("phase", "update", image=image)
    probers = [prober(way, UPDATE_RATE) for way in WAYS]
    time.sleep(STEADY_SECONDS)
    run("docker", "service", "update", "--detach", "--no-resolve-image", f"--image={image}", WEB)
    mark("update-began", image)
    until("the update ends", lambda: update_status().get("State") != "updating", UPDATE_SECONDS)
    mark("update-ended", **update_status())
    time.sleep(STEADY_SECONDS)
    for process in probers:
        process.communicate()


def update_status() -> dict[str, str]:
    """How far the update of web is; it has just been asked for where nothing is said."""
    status: dict[str, str] = get(f"/services/{WEB}").get("UpdateStatus", {"State": "updating"})
    return status


def main() -> None:
    """The whole scenario; the event ``end`` says that it was carried out.

    The ports are below those that a client gets by itself.
    """
    start_swarm()
    deploy()
    join_inside()
    look_around()
    spread("before", 20000)
    update()
    spread("after", 21000)
    mark("end")


if __name__ == "__main__":
    main()
