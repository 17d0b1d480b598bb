"""Volumes: V4, what is mounted into a replica, and who else sees it."""

from __future__ import annotations

import json
import uuid
from functools import partial

from orchlab.apps import Feature
from orchlab.experiments import inside
from orchlab.experiments.base import RECOMMENDED, Bench, Needs, finding
from orchlab.records import Event, Finding, History

INJECTED = ("/etc/orchlab/app.json", "/run/secrets/api_key")
"""A configuration and a secret, handed in as files."""
WRITABLE = ("/data", "/tmp", "/cache")  # noqa: S108 - inside the container
LOOK = """
import json, os, sys
def fields(line):
    left, _, right = line.partition(" - ")
    return left.split()[4], left.split()[5].split(",")[0], right.split()[0]
with open("/proc/self/mountinfo") as table:
    mounts = {target: f"{kind} {mode}" for target, mode, kind in map(fields, table)}
def under(path):
    while path not in mounts:
        path = os.path.dirname(path)
    return path
def writable(path):
    try:
        with open(os.path.join(path, sys.argv[1]), "w"):
            return True
    except OSError:
        return False
files = {path: os.path.getsize(path) for path in sys.argv[2].split() if os.path.exists(path)}
print(json.dumps({
    "mounts": {each: f"{mounts[under(each)]}, on {under(each)}" for each in sys.argv[2].split()},
    "files": files,
    "changeable": [each for each in files if os.access(each, os.W_OK)],
    "writable": [each for each in ("/", *sys.argv[3].split()) if writable(each)],
}))
"""
SEES = "import os, sys; print([d for d in sys.argv[2:] if os.path.exists(d + '/' + sys.argv[1])])"
REMOVE = "import os, sys; [os.remove(d + '/' + sys.argv[1]) for d in sys.argv[2:]]"


class Mounts:
    """V4: each replica looks at its mounts; a file that one writes is looked for by the others."""

    name = "mounts"
    row = "V4"
    question = "What of a replica's files is injected, temporary, kept, and shared with others?"
    variants = RECOMMENDED
    needs: Needs = (Feature.TOOLS,)

    def run(self, bench: Bench) -> None:
        """Look, write a file where that is possible, look for it in the others, remove it."""
        first, *others = bench.ready()
        mark = f"orchlab-{uuid.uuid4().hex}"
        own = partial(bench.platform.exec, first)
        found = look(own, mark)
        bench.mark("mounts", first.name, node=first.node, **found)
        try:
            for each in others:
                said = bench.platform.exec(each, "python3", "-c", SEES, mark, *WRITABLE)
                bench.mark("sees", each.name, node=each.node, directories=said.strip())
        finally:
            own("python3", "-c", REMOVE, mark, *found["writable"])

    def judge(self, history: History) -> Finding:
        """Pass when both files are there and cannot be changed, and the root takes no file."""
        mounts = history.all("mounts")[-1]
        found, others = mounts.detail, history.all("sees")
        beside = [each for each in others if each.detail["node"] == mounts.detail["node"]]
        values = {
            **{path: str(found["mounts"][path]) for path in INJECTED},
            "takes_files": ", ".join(found["writable"]),
            "data_shared": f"{_shared(others)} of {len(others)} other replicas",
            "data_shared_on_node": f"{_shared(beside)} of {len(beside)} on the same node",
        }
        if missing := [path for path in INJECTED if not found["files"].get(path)]:
            return finding(history, "fail", f"not injected: {', '.join(missing)}", **values)
        if found["changeable"]:
            changeable = ", ".join(found["changeable"])
            return finding(history, "fail", f"a replica may change {changeable}", **values)
        if "/" in found["writable"]:
            return finding(history, "fail", "the root file system takes files", **values)
        if "/data" not in found["writable"]:
            return finding(history, "fail", "/data takes no files", **values)
        return finding(history, "pass", "files are injected, only volumes take others", **values)


def look(run: inside.Run, mark: str) -> dict[str, dict[str, str] | list[str]]:
    """Mounts and files of a replica; ``mark`` is written wherever that is possible."""
    said = run("python3", "-c", LOOK, mark, " ".join(INJECTED), " ".join(WRITABLE))
    return dict(json.loads(said))


def _shared(others: list[Event]) -> int:
    return sum("/data" in each.detail["directories"] for each in others)
