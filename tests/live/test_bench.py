"""`invoke bench` as a user types it: once, and without a judgement of the numbers."""

from __future__ import annotations

import json
import subprocess
import sys

import docker
import pytest

from orchlab import labels, paths

FIGURES = ("compose-up", "latency", "image")
LAB = f"{labels.LAB}-bench"


@pytest.mark.usefixtures("images")
def test_a_bench_measures_both_sides_and_leaves_nothing() -> None:
    """Each figure has a pair of readings on disk; the exit code says whether all promises held."""
    before = set(paths.RESULTS.glob("bench/*"))
    command = [sys.executable, "-m", "invoke", "bench", f"--only={','.join(FIGURES)}"]
    done = subprocess.run(
        [*command, "--repeats=1"], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == (4 if "error: not as promised" in done.stderr else 0), done.stderr
    (run,) = set(paths.RESULTS.glob("bench/*")) - before
    kept = {path.stem: json.loads(path.read_text()) for path in run.glob("*.json")}
    assert kept["run"]["state"] == "complete"
    for figure in FIGURES:
        (pair,) = kept[figure]["pairs"]
        assert pair["ours"]["value"] > 0
        assert pair["other"]["value"] > 0
        assert figure in done.stdout
    assert "docker compose" in kept["compose-up"]["knobs"]["by hand"]
    assert kept["latency"]["pairs"][0]["other"]["detail"]["redis"]["p50_ms"] > 0
    assert leftovers() == []


def leftovers() -> list[str]:
    """Whatever in the engine carries the label of the bench's lab."""
    mark = {"label": f"{labels.KEY}={LAB}"}
    client = docker.from_env()
    try:
        return [
            str(each.name)
            for kind in (client.networks, client.volumes)
            for each in kind.list(filters=mark)
        ] + [str(each.name) for each in client.containers.list(all=True, filters=mark)]
    finally:
        client.close()
