"""Volumes: V5, whether a backup brings back what was lost."""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from pathlib import Path
from typing import cast

import requests

from orchlab.apps import Feature
from orchlab.backup import operations
from orchlab.backup.archive import APP
from orchlab.experiments.base import RECOMMENDED, Bench, Needs, finding
from orchlab.experiments.client import TIMEOUT, count, increment
from orchlab.experiments.evidence import seconds_between
from orchlab.platforms.base import Replica
from orchlab.platforms.capabilities import VolumeBackup
from orchlab.records import Finding, History

WRITES = 20
BYTES = 100_000
HELD = """
import hashlib, json, os
names = [each.name for each in os.scandir("/data") if each.is_file() and each.name[0] != "."]
print(json.dumps({n: hashlib.sha256(open("/data/" + n, "rb").read()).hexdigest() for n in names}))
"""
REMOVE = """
import os, sys
for each in sys.argv[1:]:
    if os.path.exists("/data/" + each):
        os.remove("/data/" + each)
"""


class Backup:
    """V5: a counter and a file are backed up, lost or changed, and restored."""

    name = "backup"
    row = "V5"
    question = "Does a backup through a helper restore byte for byte?"
    variants = RECOMMENDED
    needs: Needs = (VolumeBackup, Feature.COUNTER, Feature.TOOLS)

    def run(self, bench: Bench) -> None:
        """Write, back up, write on and remove the file, restore, look into every replica."""
        bench.ready()
        url = bench.platform.endpoints()[0].url
        names = [f"orchlab-{uuid.uuid4().hex}" for _ in range(2)]
        acknowledged = [increment(url) for _ in range(WRITES)]
        _put(url, names[0], os.urandom(BYTES))
        try:
            with tempfile.TemporaryDirectory() as work:
                path = Path(work) / "backup.tar"
                self._save(bench, path, acknowledged[-1])
                self._lose(bench, url, *names)
                bench.mark("restore")
                operations.restore(bench.platform, path)
                bench.mark("restored")
            bench.mark("read", value=count(url))
            for each in bench.ready():
                bench.mark("holds", each.name, node=each.node, files=_held(bench, each))
        finally:
            _remove(bench, *names)

    def judge(self, history: History) -> Finding:
        """Pass when the counter and every replica's files are what they were at the backup."""
        saved = history.all("saved")[-1].detail
        lost = history.all("lost")[-1].detail
        read = history.all("read")[-1].detail["value"]
        holders = history.all("holds")
        values = {
            "count_saved": saved["value"],
            "count_changed": lost["value"],
            "count_read": read,
            "files": len(saved["files"]),
            "replicas": len(holders),
            "bytes": saved["bytes"],
            "backup_s": seconds_between(history, "save", "saved"),
            "restore_s": seconds_between(history, "restore", "restored"),
        }
        if lost["value"] <= saved["value"] or any(f == saved["files"] for f in lost["files"]):
            return finding(history, "unknown", "nothing was lost before the restore", **values)
        if read != saved["value"]:
            return finding(history, "fail", f"the counter is {read}", **values)
        if wrong := [each.subject for each in holders if each.detail["files"] != saved["files"]]:
            summary = f"other files than those saved: {', '.join(wrong)}"
            return finding(history, "fail", summary, **values)
        summary = "the counter and all files are what they were at the backup"
        return finding(history, "pass", summary, **values)

    @staticmethod
    def _save(bench: Bench, path: Path, value: int) -> None:
        bench.mark("save")
        manifest = operations.backup(bench.platform, path)
        files = {
            name.removeprefix(f"{APP}/"): content.sha256
            for name, content in manifest.files.items()
            if name.startswith(f"{APP}/")
        }
        bench.mark("saved", value=value, files=files, bytes=path.stat().st_size)

    @staticmethod
    def _lose(bench: Bench, url: str, saved: str, later: str) -> None:
        """Write on, and remove what was saved wherever it is."""
        _remove(bench, saved)
        _put(url, later, b"later than the backup")
        value = increment(url)
        held = [_held(bench, each) for each in bench.platform.replicas()]
        bench.mark("lost", value=value, files=held)


def _put(url: str, name: str, content: bytes) -> None:
    requests.put(f"{url}/files/{name}", data=content, timeout=TIMEOUT).raise_for_status()


def _held(bench: Bench, replica: Replica) -> dict[str, str]:
    """SHA-256 of each file that the replica sees, by name."""
    said = bench.platform.exec(replica, "python3", "-c", HELD)
    return cast("dict[str, str]", json.loads(said))


def _remove(bench: Bench, *names: str) -> None:
    for each in bench.platform.replicas():
        bench.platform.exec(each, "python3", "-c", REMOVE, *names)
